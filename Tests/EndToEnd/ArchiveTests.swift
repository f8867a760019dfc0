import CommandLine
import Testing

/// Damaged archives: `verify` and `restore` see them, and restore nothing.
@Suite(.inTurns) struct ArchiveTests {
  let trip: RoundTrip

  init() throws { trip = try RoundTrip() }

  private var place: Scratch { trip.place }

  private func makeArchive() async throws {
    try place.makeSparse("d.raw", bytes: 4 << 20, data: [(0, 1 << 20), (3 << 20, 100)])
    try place.write("vm.conf", Array("cores: 2\n".utf8))
    trip.expectSuccess(
      try await trip.run(
        ["backup", "--image", "d=d.raw", "--config", "vm.conf", "--to", "raw=archive"]))
  }

  private func expectRefused(
    _ words: String..., status: Int32 = 65, location: SourceLocation = #_sourceLocation
  ) async throws {
    for verb in [["verify", "archive"], ["restore", "archive", "--to", "restored"]] {
      let finding = try await trip.run(verb)
      #expect(finding.status == status, "\(finding.errors)", sourceLocation: location)
      #expect(finding.left == [], sourceLocation: location)
      for word in words {
        #expect(finding.errors.contains(word), "\(finding.errors)", sourceLocation: location)
      }
    }
    #expect(!place.exists("restored"), sourceLocation: location)
    #expect(try place.names().contains { $0.hasPrefix(".") } == false, sourceLocation: location)
  }

  @Test(arguments: ["raw", "vma"])
  func `an archive without digests is told from a verified one`(format: String) async throws {
    try place.makeSparse("d.raw", bytes: 4 << 20, data: [(0, 1 << 20), (3 << 20, 512)])
    trip.expectSuccess(
      try await trip.run(
        ["backup", "--image", "d=d.raw", "--digest", "none", "--to", "\(format)=archive"]))
    let receipt = try place.text(format == "raw" ? "archive/manifest.json" : "archive.sluice.json")
    #expect(!receipt.contains("digest"))
    let finding = try await trip.run(["verify", "archive"])
    trip.expectUnverified(finding)
    #expect(finding.errors.contains("its receipt has no digests"))
    trip.expectSuccess(try await trip.run(["restore", "archive", "--to", "restored"]))
    try await place.shell("cmp d.raw restored/d.raw")
    if format == "raw" { try place.write("archive/d.raw", [0], at: 4 << 20) }
    if format == "vma" { try await place.shell("truncate -s -4096 archive") }
    #expect(try await trip.run(["verify", "archive"]).status == 65)
  }

  @Test(arguments: [0, 4095, 500_000, 1_048_575, 2_097_152, 3_145_827, 4_194_303] as [Int64])
  func `one flipped bit is found`(offset: Int64) async throws {
    try await makeArchive()
    try place.flip("archive/d.raw", at: offset)
    try await expectRefused("\"d\" in the archive", "digest differs from the receipt")
  }

  @Test func `a flipped bit in a configuration is found`() async throws {
    try await makeArchive()
    try place.flip("archive/vm.conf", at: 3)
    try await expectRefused("vm.conf")
  }

  @Test(arguments: ["3M", "1", "0", "5M"])
  func `a disk of another length is found`(length: String) async throws {
    try await makeArchive()
    try await place.shell("truncate -s \(length) archive/d.raw")
    try await expectRefused("d")
  }

  @Test func `a file that is gone is found`() async throws {
    try await makeArchive()
    try await place.shell("rm archive/d.raw")
    try await expectRefused("d")
  }

  /// The two digests change places: each is a proper digest, of something else.
  @Test func `a receipt that says something else is found`() async throws {
    try await makeArchive()
    try await place.shell(
      """
      a=$(grep -o '"value": *"[0-9a-f]*"' archive/manifest.json | sed -n 1p)
      b=$(grep -o '"value": *"[0-9a-f]*"' archive/manifest.json | sed -n 2p)
      test "$a" != "$b"
      sed -i "s/$a/XX/; s/$b/$a/; s/XX/$b/" archive/manifest.json
      """)
    try await expectRefused("damaged")
    // Whoever forges the receipt can forge the sums too; the data remains.
    try await place.shell("cd archive && sha256sum manifest.json vm.conf > SHA256SUMS")
    try await expectRefused("digest differs from the receipt")
  }

  @Test func `a directory without a receipt is no archive`() async throws {
    try await makeArchive()
    try await place.shell("rm archive/manifest.json")
    let finding = try await trip.run(["verify", "archive"])
    #expect(finding.status == 65)
    #expect(finding.errors.contains("unrecognised archive format"))
  }

  @Test func `what is no archive is called so`() async throws {
    try await place.shell("mkdir dir && : > dir/other && mkfifo fifo && : > empty")
    for (name, status) in [("dir", 65), ("empty", 65), ("fifo", 66), ("none", 66)] {
      for verb in [["verify", name], ["list", name], ["restore", name, "--to", "restored"]] {
        let finding = try await trip.run(verb)
        #expect(finding.status == Int32(status), "\(verb): \(finding.errors)")
      }
    }
    #expect(!place.exists("restored"))
  }

  @Test func `a restore never replaces anything`() async throws {
    try await makeArchive()
    try await place.shell("mkdir empty && touch file")
    for name in ["empty", "file", "archive"] {
      let finding = try await trip.run(["restore", "archive", "--to", name])
      #expect(finding.status == 73, "\(finding.errors)")
    }
    #expect(try await trip.run(["restore", "archive", "--to", "none/x"]).status == 73)
    #expect(try place.names("empty") == [])
  }

  @Test func `a link in an archive is not followed`() async throws {
    try await makeArchive()
    try await place.shell("mv archive/d.raw d2.raw && ln -s ../d2.raw archive/d.raw")
    let finding = try await trip.run(["restore", "archive", "--to", "restored"])
    #expect(finding.status != 0)
    #expect(!place.exists("restored"))
  }
}
