import CommandLine
import LiveGuest
import System
import Testing

/// Backups of a running guest with its RAM, and machines that go on from them.
struct VMStateBackup {
  let guest: LiveGuest

  /// A guest with a ring of pages in its RAM (`Tests/Support/guest/ram.h`).
  static func setup(_ change: (inout GuestSetup) -> Void = { _ in }) -> GuestSetup {
    GuestSetup {
      $0.arguments = "mode=raw ram=48"
      change(&$0)
    }
  }

  /// How often everything is repeated; `Tests/Soak/vmstate` asks for more.
  static let count = Moments.number("SLUICE_VMSTATE_RUNS") ?? 1

  func start(_ name: String, _ arguments: [String]) throws -> Program {
    try startSluice(
      ["backup", "--json", "--qmp", guest.qmp, "--to", "raw=\(name)"] + arguments,
      in: guest.files.directory)
  }

  /// `sluice backup --qmp … --vmstate=WAY --to FORMAT=NAME`; QEMU and the guest are as before.
  @discardableResult
  func run(
    _ name: String, format: String = "raw", way: String = "auto", _ arguments: [String] = []
  ) async throws -> Finding {
    let before = try guest.blockState()
    let settings = try guest.migrationSettings()
    let state = try guest.runState
    let finding = try await sluice(
      ["backup", "--qmp", guest.qmp, "--vmstate=\(way)", "--to", "\(format)=\(name)"] + arguments,
      in: guest.files.directory, within: 120)
    #expect(finding.status == 0, "\(finding.errors)")
    #expect(finding.left == [])
    #expect(try guest.migrationSettings() == settings)
    if state == "running" { try LiveBackup(guest: guest).expectUnharmed(before) }
    return finding
  }

  /// `sluice restore NAME`, which compares every byte with the receipt.
  ///
  /// - Returns: The directory with the disks and `vmstate.bin`.
  func restore(_ name: String, format: String = "raw") async throws -> String {
    let restored = guest.files.path("\(name)-restored")
    let finding = try await sluice(
      ["restore", name, "--format", format, "--to", restored], in: guest.files.directory,
      within: 120)
    #expect(finding.status == 0, "\(finding.errors)")
    return restored
  }

  func disks(_ directory: String) -> [String] {
    guest.setup.diskNames.map { "\(directory)/\($0).raw" }
  }

  /// Starts the same machine with restored disks and RAM.
  func resume(_ directory: String) async throws -> LiveGuest {
    var setup = guest.setup
    setup.format = .raw
    setup.images = disks(directory)
    setup.incoming = directory + "/vmstate.bin"
    setup.faultDirectory = nil
    return try await LiveGuest(setup)
  }

  /// A machine of this backup goes on counting: its RAM, its counter and its disks are of one
  /// instant, at once and after it has gone on.
  func expectGoesOn(_ directory: String, _ told: Comment) async throws {
    let disks = disks(directory)
    if guest.setup.arguments.contains("mode=raw") {
      let found = try await instantCheck(disks[0], disks[1])
      #expect(found.isOne, "\(told): \(found.words)")
    }
    let machine = try await resume(directory)
    let counter = try await machine.verifyRAM()
    #expect(try await machine.progress(since: counter).errors == 0, told)
    try await machine.verifyRAM()
    #expect(!machine.log.contains("DISAGREES"), "\(told): \(machine.log)")
    machine.kill()
  }

  /// Backs up, restores, and lets a machine go on from there.
  func expectRoundTrip(
    _ name: String, format: String = "raw", way: String = "auto", _ arguments: [String] = []
  ) async throws {
    try await run(name, format: format, way: way, arguments)
    let restored = try await restore(name, format: format)
    try await expectGoesOn(restored, "\(name): \(format), \(way)")
    try await LiveBackup(guest: guest).expectWriting()
    try await guest.files.shell("rm -rf '\(name)' '\(restored)'*")
  }
}
