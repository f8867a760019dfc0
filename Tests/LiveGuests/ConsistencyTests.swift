import CommandLine
import LiveGuest
import Testing

/// Every restored pair of disks is one single instant, whatever way the data took.
@Suite(.withGuest) struct ConsistencyTests {
  /// What a machine can be, and its backups must not care about.
  struct Cell: Sendable, CustomTestStringConvertible {
    let format: GuestSetup.Format
    let hasIOThread: Bool
    var testDescription: String { "\(format) \(hasIOThread ? "with" : "without") I/O thread" }

    static let all = [
      Cell(format: .raw, hasIOThread: false), Cell(format: .raw, hasIOThread: true),
      Cell(format: .qcow2, hasIOThread: false), Cell(format: .qcow2, hasIOThread: true),
    ]

    func setup(_ emulator: Emulator) -> GuestSetup {
      GuestSetup {
        $0.emulator = emulator
        $0.format = format
        $0.hasIOThread = hasIOThread
        $0.style = hasIOThread ? .drive : .blockdev
      }
    }
  }

  @Test(
    .enabled(if: Emulator.installed.isThere, Emulator.installed.missing), arguments: Cell.all)
  func `a backup is one instant with the installed QEMU`(cell: Cell) async throws {
    // Exports would end QEMU: see SpoolTests.
    let transports = cell.hasIOThread ? ["auto"] : ["vhost-user", "nbd"]
    try await backUp(cell.setup(.installed), by: transports)
  }

  @Test(
    .enabled(if: Emulator.backports.isThere, Emulator.backports.missing), arguments: Cell.all)
  func `a backup is one instant with the QEMU of the backports`(cell: Cell) async throws {
    try await backUp(
      cell.setup(.backports), by: cell.hasIOThread ? ["auto"] : ["vhost-user", "nbd"])
  }

  /// How often by each way; `Tests/Soak/consistency` asks for more.
  private static let count = Moments.number("SLUICE_BACKUPS_PER_CELL") ?? 2

  /// Backups by each way, in turn as fast as it goes and slow enough for much to be overwritten.
  private func backUp(_ setup: GuestSetup, by transports: [String]) async throws {
    let guest = try await LiveGuest(setup)
    let backup = LiveBackup(guest: guest)
    for transport in transports {
      for round in 0..<Self.count {
        let limit = round % 2 == 0 ? [] : ["--rate-limit", "24M"]
        let name = "\(transport)\(round)"
        let disks = try await backup.run(name, ["--transport", transport] + limit).disks
        let found = try await instantCheck(disks[0], disks[1])
        #expect(found.isOne, "\(name): \(found.words)")
      }
      try await backup.expectWriting()
    }
  }
}
