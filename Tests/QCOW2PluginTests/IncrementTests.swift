import BackupProtocol
import CommandLine
import JSON
import ScriptedHost
import System
import Testing

@Suite(.inTurns, .enabled(if: canAskQEMU, "needs qemu-img"))
struct `A chain of qcow2 archives` {
  private static let sizes = [3000, 3000, 3001, 2900, 2900, 4200]

  private func chain(_ seed: UInt64, _ compress: String, isShared: Bool = true) throws -> Levels {
    var levels = try Levels(seed: seed, compress: compress, isShared: isShared)
    for sectors in Self.sizes { try levels.add(sectors: sectors) }
    return levels
  }

  @Test(arguments: 0..<6, compressions)
  func `is one disk to QEMU, at each level`(seed: Int, compress: String) async throws {
    var levels = try Levels(seed: UInt64(seed), compress: compress, isShared: seed % 3 != 0)
    for sectors in Self.sizes {
      try levels.add(sectors: sectors)
      let report = try await levels.place.shell(
        """
        set -e
        qemu-img check \(levels.last)
        qemu-img compare -f qcow2 -F raw \(levels.last) disk.raw
        qemu-img convert -O raw \(levels.last) out.raw && cmp out.raw disk.raw
        """)
      #expect(report.contains("No errors were found"), "\(report)")
    }
  }

  @Test(arguments: compressions)
  func `can be rebased, committed and moved by hand`(compress: String) async throws {
    let levels = try chain(99, compress)
    try await levels.place.shell(
      """
      set -e
      mkdir copy && cp -r 0 1 2 3 4 5 copy && cd copy
      qemu-img rebase -b ../2/d.qcow2 -F qcow2 5/d.qcow2
      qemu-img check 5/d.qcow2
      qemu-img compare -f qcow2 -F raw 5/d.qcow2 ../disk.raw
      mkdir elsewhere && mv 2/d.qcow2 elsewhere
      qemu-img rebase -u -b ../elsewhere/d.qcow2 -F qcow2 5/d.qcow2
      qemu-img rebase -u -b ../1/d.qcow2 -F qcow2 elsewhere/d.qcow2
      qemu-img compare -f qcow2 -F raw 5/d.qcow2 ../disk.raw
      test $(qemu-img info --backing-chain 5/d.qcow2 | grep -c '^file format: qcow2') = 4
      """)
    try await levels.place.shell(
      """
      set -e
      rm -r copy && mkdir copy && cp -r 0 1 2 3 4 5 copy && cd copy
      for level in 5 4 3; do qemu-img commit -q $level/d.qcow2; done
      qemu-img check 2/d.qcow2
      qemu-img compare -f qcow2 -F raw 2/d.qcow2 ../disk.raw
      """)
  }

  @Test(
    .enabled(if: Build.has("qemu-nbd") && Build.has("qemu-io"), "needs qemu-nbd and qemu-io"),
    arguments: compressions)
  func `is served over NBD, and runs below an overlay of its own`(compress: String) async throws {
    let levels = try chain(42, compress)
    try await levels.place.shell(
      """
      set -e
      sha256sum */d.qcow2 >sums
      qemu-nbd --read-only -f qcow2 -k "$PWD/socket" --fork 5/d.qcow2
      qemu-img compare -f raw -F raw "nbd+unix:///?socket=$PWD/socket" disk.raw
      qemu-img create -q -f qcow2 -b 5/d.qcow2 -F qcow2 run.qcow2
      qemu-io -c 'write -P 7 100k 300k' -c 'write -z 1M 64k' run.qcow2
      qemu-img check run.qcow2 && qemu-io -c 'read -P 7 100k 300k' run.qcow2
      sha256sum -c --quiet sums
      """)
  }

  @Test(arguments: [Job.Mode.read, .verify], compressions)
  func `is read level by level, each as it was told`(
    mode: Job.Mode, compress: String
  ) throws {
    let levels = try chain(5, compress)
    for level in 0..<levels.count {
      let reader = try workshop.startReader(in: levels.archive(level))
      let stream = try #require(
        try reader.host.startReading(mode, format: "qcow2").first)
      #expect(stream.isIncremental == (level > 0))
      let answer = try reader.host.read(stream)
      #expect(answer.status == .none, "\(reader.host.streamErrors)")
      let below = level > 0 ? levels.sizes[level - 1] : 0
      #expect(answer.extents == expected(levels.extents[level], below: UInt64(below)))
      try workshop.finishReading(reader)
      if level == levels.count - 1 { expectBytes(answer, levels) }
    }
  }

  /// Holes hide what lies below, as zeros do; where nothing lies below, both are holes.
  private func expected(_ told: [Extent], below: UInt64) -> [Extent] {
    let end = (below + 65535) / 65536 * 65536
    var extents: [Extent] = []
    for extent in told {
      if extent.kind == .zero || extent.kind == .hole {
        extents.append(upTo: min(extent.end, max(end, extent.offset)), .zero)
        extents.append(upTo: extent.end, .hole)
      } else {
        extents.append(upTo: extent.end, extent.kind)
      }
    }
    return extents
  }

  private func expectBytes(_ answer: Answer, _ levels: Levels) {
    for extent in answer.extents where extent.kind != .unchanged {
      let range = Int(extent.offset)..<Int(extent.end)
      #expect(areEqual(Array(answer.bytes[range]), Array(levels.disk[range])))
    }
  }

  @Test func `is read after its images were rebased, for the receipt counts`() async throws {
    let levels = try chain(7, "none")
    try await levels.place.shell("qemu-img rebase -u -b ../elsewhere -F qcow2 5/d.qcow2")
    let reader = try workshop.startReader(in: levels.archive(5))
    let stream = try #require(try reader.host.startReading(.verify, format: "qcow2").first)
    let answer = try reader.host.read(stream)
    #expect(answer.status == .none && answer.extents.contains { $0.kind == .unchanged })
    try workshop.finishReading(reader)
  }

  @Test func `has what a parent is in its receipt`() throws {
    let levels = try chain(3, "none")
    let receipt = try Receipt(parsing: levels.place.bytes("5/manifest.json"))
    #expect(receipt.level == .incremental && receipt.parent?.location == "../4")
    #expect(receipt.streams.map(\.isIncremental) == [true])
  }

  @Test(arguments: [
    ("../mon", "../mon/d.qcow2"), ("a:b/c", "./a:b/c/d.qcow2"), ("json:{}", "./json:{}/d.qcow2"),
    ("with space", "with space/d.qcow2"), ("./x:y", "./x:y/d.qcow2"),
  ])
  func `names its parent's file as QEMU reads it`(location: String, name: String) async throws {
    let place = try Scratch()
    try writeIncrement(to: place, location: location)
    let info = try await place.shell("qemu-img info --output=json -f qcow2 d.qcow2")
    #expect(
      try JSONValue(parsing: Array(info.utf8))["backing-filename"]?.string == name, "\(info)")
    #expect(info.contains("\"backing-filename-format\": \"qcow2\""))
  }

  @Test func `names a parent in a directory whose name is no text`() async throws {
    let place = try Scratch()
    try writeIncrement(to: place, location: "../" + nameText([0x6D, 0xF6, 0x6E]))
    #expect(
      try place.bytes("d.qcow2")[136..<(136 + 14)] == [
        0x2E, 0x2E, 0x2F, 0x6D, 0xF6, 0x6E, 0x2F, 0x64, 0x2E, 0x71, 0x63, 0x6F, 0x77, 0x32,
      ])
  }

  private func writeIncrement(to place: Scratch, location: String?) throws {
    let process = try workshop.startWriter(place)
    var content = Content.disk(1, "d", noise(65536, seed: 1))
    content.stream.isIncremental = true
    let parent = ParentBackup(
      job: "j0", instant: Timestamp("2026-01-30T20:00:00Z")!, location: location,
      streams: ["d": ParentBackup.Stream(size: 65536, digest: treeDigest([]))])
    try process.host.start([content], format: "qcow2", parent: parent)
    try process.host.write(content, digest: .none)
    _ = try workshop.finishWriting(process)
  }

  @Test(arguments: [
    (nil, ErrorCode.badJob, "does not say where"),
    (String(repeating: "long/", count: 205), .tooLarge, "the limit of qcow2 is 1023"),
  ])
  func `without a name for its parent is refused`(
    location: String?, code: ErrorCode, words: String
  ) throws {
    let place = try Scratch()
    let process = try workshop.startWriter(place)
    var content = Content.disk(1, "d", noise(65536, seed: 1))
    content.stream.isIncremental = true
    let parent = ParentBackup(
      job: "j0", instant: Timestamp("2026-01-30T20:00:00Z")!, location: location,
      streams: ["d": ParentBackup.Stream(size: 65536, digest: treeDigest([]))])
    #expect(throws: HostError.self) {
      try process.host.start([content], format: "qcow2", parent: parent)
    }
    let error = try #require(process.host.fatalError)
    #expect(error.code == code && error.message.contains(words), "\(error.message)")
    #expect(process.wait() == .exit(1))
    #expect(try place.names() == [])
  }

  @Test func `a disk that the parent does not have is whole`() async throws {
    let place = try Scratch()
    let process = try workshop.startWriter(place)
    let content = Content.disk(1, "d", noise(65536, seed: 1))
    let parent = ParentBackup(
      job: "j0", instant: Timestamp("2026-01-30T20:00:00Z")!, location: "../x", streams: [:])
    try process.host.start([content], format: "qcow2", parent: parent)
    try process.host.write(content, digest: treeDigest(content.bytes))
    _ = try workshop.finishWriting(process)
    let info = try await place.shell("qemu-img info -f qcow2 d.qcow2")
    #expect(!info.contains("backing"), "\(info)")
  }
}
