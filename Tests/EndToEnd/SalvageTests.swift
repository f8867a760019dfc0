import CommandLine
import Glibc
import JSON
import System
import Testing

/// What `restore --keep-damaged` gets out of damaged archives.
@Suite(.inTurns) struct SalvageTests {
  private let place: Scratch

  /// Random bytes: nothing of them can be compressed, and none comes from elsewhere unnoticed.
  private static let sizes = ["a": 24 << 20, "b": (5 << 20) + 512]

  init() async throws {
    place = try Scratch()
    for (name, size) in Self.sizes {
      try await place.shell("head -c \(size) /dev/urandom > \(name).raw")
    }
    try place.write("vm.conf", Array("cores: 2\n".utf8))
  }

  /// An archive `x` of a format, with its receipt or without.
  private func makeArchive(_ format: String, hasReceipt: Bool = true) async throws {
    let made = try await run([
      "backup", "--image", "a=a.raw", "--image", "b=b.raw", "--config", "vm.conf", "--to",
      "\(format)=x",
    ])
    #expect(made.status == 0, "\(made.errors)")
    if !hasReceipt { try await place.shell("rm -f x.sluice.json") }
  }

  private func run(_ arguments: [String]) async throws -> Finding {
    let finding = try await sluice(arguments, in: place.directory)
    #expect(finding.left == [])
    return finding
  }

  private struct Piece: Equatable {
    let stream: String
    /// `nil` where the place is not known.
    let range: Range<Int>?
  }

  /// Restores into `r`, and compares everything outside of the reported ranges.
  private func salvage(
    _ archive: String = "x", _ more: [String] = [], location: SourceLocation = #_sourceLocation
  ) async throws -> [Piece] {
    let finding = try await run(
      ["restore", archive, "--to", "r", "--keep-damaged", "--json"] + more)
    #expect(finding.status == 65, "\(finding.errors)", sourceLocation: location)
    let pieces = try self.pieces(finding.output)
    for name in Self.sizes.keys.sorted() {
      try compare(name, pieces.filter { $0.stream == name }, location)
    }
    return pieces
  }

  private func pieces(_ output: String) throws -> [Piece] {
    try output.split(separator: "\n").compactMap { line in
      let event = try JSONValue(parsing: Array(line.utf8))
      guard event["event"]?.string == "damaged" else { return nil }
      #expect(event["reason"]?.string?.isEmpty == false)
      let start = event["offset"]?.integer.map { Int($0) }
      let length = event["length"]?.integer.map { Int($0) }
      return Piece(
        stream: event["stream"]?.string ?? "",
        range: start.map { $0..<($0 + (length ?? 0)) })
    }
  }

  /// What is not damaged has its name and its bytes, what is has zeros there.
  private func compare(_ name: String, _ pieces: [Piece], _ location: SourceLocation) throws {
    let file = "r/\(name).raw" + (pieces.isEmpty ? "" : ".incomplete")
    var expected = try place.bytes("\(name).raw")
    guard pieces.allSatisfy({ $0.range != nil }) else {
      return #expect(place.exists(file), sourceLocation: location)
    }
    for range in pieces.compactMap(\.range) {
      expected.replaceSubrange(range, with: repeatElement(0, count: range.count))
    }
    let isSame = try place.bytes(file) == expected
    #expect(isSame, "\(file) differs outside of \(pieces)", sourceLocation: location)
  }

  // VMA

  /// Where extents of `x` begin.
  private func extents() async throws -> [Int64] {
    try await place.shell("LC_ALL=C grep -obUaP 'VMAE\\x00\\x00' x").split(separator: "\n")
      .compactMap { $0.split(separator: ":").first.flatMap { Int64($0) } }
  }

  @Test(arguments: [true, false])
  func `a flipped byte in the head of an extent costs that extent of one disk`(
    hasReceipt: Bool
  ) async throws {
    try await makeArchive("vma", hasReceipt: hasReceipt)
    let second = try await extents()[1]
    try place.flip("x", at: second + 100)
    let plain = try await run(["restore", "x", "--to", "r"])
    #expect(plain.status == 65 && !place.exists("r"))
    // 58 clusters to an extent.
    #expect(try await salvage() == [Piece(stream: "a", range: (58 << 16)..<(116 << 16))])
    #expect(place.exists("r/vm.conf"))
  }

  @Test func `an archive that is cut gives everything before the cut`() async throws {
    try await makeArchive("vma")
    let start = try await extents()[1]
    try await place.shell("truncate -s \(start + 512 + 10 * 65536 + 100) x")
    let from = 68 << 16
    #expect(
      try await salvage() == [
        Piece(stream: "a", range: from..<(24 << 20)),
        Piece(stream: "b", range: 0..<((5 << 20) + 512)),
      ])
  }

  @Test func `an archive that is cut comes through a pipe, too`() async throws {
    try await makeArchive("vma")
    let start = try await extents()[1]
    let said = try await place.shell(
      """
      head -c \(start + 512 + 65536) x | '\(Build.directory)/sluice' restore - --to r \
        --keep-damaged --json; echo "= $?"
      """)
    #expect(said.hasSuffix("= 65\n"), "\(said)")
    let pieces = try pieces(
      said.split(separator: "\n").filter { $0.hasPrefix("{") }
        .joined(separator: "\n"))
    #expect(pieces.first == Piece(stream: "a", range: (59 << 16)..<(24 << 20)))
    for name in ["a", "b"] {
      try compare(name, pieces.filter { $0.stream == name }, #_sourceLocation)
    }
  }

  @Test func `bytes that were lost or added cost the extents beside them`() async throws {
    try await makeArchive("vma")
    let starts = try await extents()
    try await place.shell(
      "{ head -c \(starts[1]) x; head -c 1000 /dev/urandom; tail -c +\(starts[1] + 1) x; } > y")
    let added = try await run(["restore", "y", "--to", "r", "--keep-damaged"])
    // All is there; but without a receipt nobody can know that.
    #expect(added.status == 65 && added.errors.contains("lost or added"), "\(added.errors)")
    try await place.shell(
      "cmp r/a.raw.incomplete a.raw && cmp r/b.raw.incomplete b.raw && rm -r r")
    let proven = try await run(
      ["restore", "y", "--to", "r", "--keep-damaged", "--receipt", "x.sluice.json"])
    #expect(proven.status == 65 && proven.errors.contains("whole by its receipt"))
    try await place.shell("cmp r/a.raw a.raw && cmp r/b.raw b.raw && rm -r r")
    try await place.shell("{ head -c \(starts[1]) x; tail -c +\(starts[1] + 2000) x; } > y")
    #expect(
      try await salvage("y", ["--receipt", "x.sluice.json"]) == [
        Piece(stream: "a", range: (58 << 16)..<(116 << 16))
      ])
  }

  @Test func `bytes that were added within an extent make its disk incomplete`() async throws {
    try await makeArchive("vma", hasReceipt: false)
    let middle = try await extents()[1] + 100_000
    try await place.shell(
      "{ head -c \(middle) x; head -c 513 /dev/urandom; tail -c +\(middle + 1) x; } > y")
    let finding = try await run(["restore", "y", "--to", "r", "--keep-damaged"])
    #expect(finding.status == 65, "\(finding.errors)")
    #expect(try place.names("r").allSatisfy { $0.hasSuffix(".incomplete") })
  }

  @Test(arguments: ["vma", "raw", "tar"])
  func `damage that only the receipt shows marks its disk, and no other`(
    format: String
  ) async throws {
    try await makeArchive(format)
    switch format {
    case "raw": try place.flip("x/a.raw", at: 3 << 20)
    case "vma": try place.flip("x", at: try await extents()[0] + 512 + 70_000)
    default: try place.flip("x", at: 3 << 20)
    }
    #expect(try await salvage() == [Piece(stream: "a", range: nil)])
    // All that could be read is there: one byte differs.
    let said = try await place.shell("cmp -l a.raw r/a.raw.incomplete | wc -l")
    #expect(said == "1\n")
  }

  // Raw

  @Test func `of a raw archive files are missing or short`() async throws {
    try await makeArchive("raw")
    try await place.shell("rm x/b.raw && truncate -s 3000000 x/a.raw")
    let end = 3_000_000 / 65536 * 65536
    #expect(
      try await salvage() == [
        Piece(stream: "a", range: end..<(24 << 20)),
        Piece(stream: "b", range: 0..<((5 << 20) + 512)),
      ])
  }

  // Appliances

  @Test(arguments: [true, false])
  func `a flipped byte in a VMDK costs its grain`(hasReceipt: Bool) async throws {
    try await makeArchive("ova")
    try await place.shell("mv x x.ova" + (hasReceipt ? "; mv x.sluice.json x.ova.sluice.json" : ""))
    try place.flip("x.ova", at: 6 << 20)
    let pieces = try await salvage("x.ova")
    #expect(pieces.map(\.stream) == ["a"])
    let lost = try #require(pieces.first?.range)
    #expect(lost.count == 65536 && (5 << 20..<6 << 20).overlaps(lost), "\(lost)")
  }

  @Test func `an appliance that is cut gives the grains before the cut`() async throws {
    try await makeArchive("ova")
    try await place.shell("mv x x.ova && truncate -s 20000000 x.ova")
    let pieces = try await salvage("x.ova")
    #expect(pieces.map(\.stream) == ["a", "b"])
    let lost = try #require(pieces.first?.range)
    #expect(lost.lowerBound > 18_000_000 && lost.upperBound == 24 << 20, "\(lost)")
  }

  // Any format

  @Test func `what only the archive's end could prove is not trusted if it cannot`() async throws {
    try await makeArchive("tar", hasReceipt: false)
    try place.flip("x", at: 3 << 20)
    let pieces = try await salvage()
    #expect(pieces.map(\.stream).sorted() == ["a", "b", "vm.conf"])
    #expect(pieces.allSatisfy { $0.range == nil })
    #expect(place.exists("r/vm.conf.incomplete"))
  }

  @Test(arguments: ["tar", "vma"])
  func `what a cut archive holds is kept, compressed or not`(format: String) async throws {
    try await makeArchive(format)
    try await place.shell(
      """
      zstd -q x -o z.\(format).zst && truncate -s 7000000 x && truncate -s 7000000 z.\(format).zst
      """)
    for archive in ["x", "z.\(format).zst"] {
      let pieces = try await salvage(archive)
      #expect(pieces.map(\.stream) == ["a", "b"])
      let kept = try #require(pieces.first?.range).lowerBound
      // A piece of 1 MiB is lost as a whole.
      #expect(kept > 5 << 20 && kept <= 7_000_000)
      try await place.shell("rm -r r")
    }
  }

  @Test(arguments: ["zstd", "gzip"])
  func `a flipped byte in a compressed archive costs its frame and what it cuts`(
    compression: String
  ) async throws {
    let made = try await run([
      "backup", "--image", "a=a.raw", "--image", "b=b.raw", "--config", "vm.conf", "--to",
      "vma=x.vma", "--option", "vma.compress=\(compression)",
    ])
    #expect(made.status == 0, "\(made.errors)")
    try place.flip("x.vma", at: 6 << 20)
    let pieces = try await salvage("x.vma")
    #expect(pieces.map(\.stream) == ["a"])
    let lost = try #require(pieces.first?.range)
    // A frame has 4 MiB, and cuts two extents of 3.7.
    #expect(lost.contains(6 << 20) && lost.count < 12 << 20, "\(lost)")
    #expect(lost.upperBound < 24 << 20, "what follows is there")
  }

  @Test func `disks with paths of their own are marked, and replace nothing`() async throws {
    try await makeArchive("vma")
    try place.flip("x", at: try await extents()[1] + 100)
    try await place.shell("echo old > A.raw")
    let arguments = [
      "restore", "x", "--disk", "a=A.raw", "--disk", "b=B.qcow2", "--keep-damaged", "--force",
    ]
    let finding = try await run(arguments)
    #expect(finding.status == 65, "\(finding.errors)")
    #expect(
      finding.errors.contains(
        "a: 3.6 MiB at byte 3801088 cannot be read: an extent header is damaged"),
      "\(finding.errors)")
    #expect(finding.output.contains("a: A.raw.incomplete is incomplete"), "\(finding.output)")
    #expect(finding.output.contains("b: B.qcow2 is complete"), "\(finding.output)")
    #expect(try await place.shell("cat A.raw") == "old\n")
    try await place.shell("qemu-img compare -f qcow2 -F raw B.qcow2 b.raw")
    let again = try await run(arguments)
    #expect(again.status == 73, "\(again.errors)")
    #expect(again.errors.contains("A.raw.incomplete already exists"), "\(again.errors)")
  }

  @Test(.enabled(if: Build.isRoot, "root attaches loop devices"))
  func `a device that holds a damaged disk is called so`() async throws {
    try await makeArchive("vma")
    try place.flip("x", at: try await extents()[1] + 100)
    let said = try await place.shell("truncate -s 32M device && losetup -f --show device")
    let device = String(said.prefix { $0 != "\n" })
    let finding = try await run([
      "restore", "x", "--disk", "a=\(device)", "--skip", "b", "--keep-damaged", "--force",
    ])
    try await place.shell("losetup -d \(device)")
    #expect(finding.status == 65)
    #expect(
      finding.errors.contains("\(device) contains disk a with damage: do not trust it"),
      "\(finding.errors)")
    try await place.shell("cmp -n 3801088 a.raw device && cmp -i 7602176 -n 17563648 a.raw device")
  }

  @Test(arguments: ["vma", "raw", "tar", "ova"])
  func `an archive that is whole is restored as ever`(format: String) async throws {
    try await makeArchive(format)
    let finding = try await run([
      "restore", "x", "--to", "r", "--keep-damaged", "--format", format,
    ])
    #expect(finding.status == 0, "\(finding.errors)")
    try await place.shell("cmp r/a.raw a.raw && cmp r/b.raw b.raw && cmp r/vm.conf vm.conf")
  }
}
