import CommandLine
import LiveGuest
import Testing

/// A running machine that is backed up into more than a directory.
@Suite(.withGuest, .enabled(if: Emulator.usual.isThere, Emulator.usual.missing))
struct LiveArchiveTests {
  @Test(arguments: ["none", "zstd:1"])
  func `a running machine goes into two formats at one instant`(
    compression: String
  ) async throws {
    let guest = try await LiveGuest(GuestSetup())
    let backup = LiveBackup(guest: guest)
    let raw = try await backup.run(
      "directory", ["--to", "vma=x.vma", "--option", "vma.compress=\(compression)"]
    ).disks
    let vma = ["x.vma", "--format", "vma"]
    let restore = ["restore"] + vma + ["--to", "restored"]
    for words in [["verify", "directory"], ["verify"] + vma, restore] {
      let finding = try await sluice(words, in: guest.files.directory)
      #expect(finding.status == 0, "\(finding.errors)")
    }
    let disks = guest.setup.diskNames.map { guest.files.path("restored/\($0).raw") }
    let found = try await instantCheck(disks[0], disks[1])
    #expect(found.isOne, "\(found.words)")
    // The same instant in both.
    for (one, other) in zip(raw, disks) {
      try await guest.files.shell("cmp '\(one)' '\(other)'")
    }
    try await backup.expectWriting()
  }
}
