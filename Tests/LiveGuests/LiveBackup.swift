import CommandLine
import LiveGuest
import System
import Testing

/// Backups of a running guest, and what must hold after each of them.
struct LiveBackup {
  let guest: LiveGuest

  /// `sluice backup --qmp … --to raw=NAME`, then restore; what was in QEMU is as before.
  ///
  /// - Returns: Paths of the restored copies of A and B, and what the program said.
  @discardableResult
  func run(
    _ name: String, _ arguments: [String] = []
  ) async throws -> (disks: [String], finding: Finding) {
    let before = try guest.blockState()
    let finding = try await sluice(
      ["backup", "--qmp", guest.qmp, "--to", "raw=\(name)"] + arguments, in: guest.files.directory,
      within: 120)
    #expect(finding.status == 0, "\(finding.errors)")
    #expect(finding.left == [])
    try expectUnharmed(before)
    let restored = try await sluice(
      ["restore", name, "--to", "\(name)-restored"], in: guest.files.directory)
    #expect(restored.status == 0, "\(restored.errors)")
    return (
      guest.setup.diskNames.map { guest.files.path("\(name)-restored/\($0).raw") }, finding
    )
  }

  /// QEMU has in it what it had, the guest runs, and the test's directory holds no litter.
  func expectUnharmed(_ before: BlockState) throws {
    #expect(try guest.blockState() == before)
    #expect(try guest.runState == "running")
    let litter = try guest.files.names().filter {
      $0.contains("sluice") && !$0.hasSuffix(".sluice.json")
    }
    #expect(litter == [])
  }

  /// The guest still writes, and has never seen an I/O error.
  func expectWriting() async throws {
    #expect(try await guest.progress(since: guest.status().record).errors == 0)
  }
}
