import CommandLine
import Glibc
import LiveGuest
import System
import Testing

/// A guest is stopped and continued, reset and rebooted while it is backed up, by every way its
/// data may travel. QEMU takes its disks off their I/O threads for each of these, which once ended
/// it: a backup must never end a guest.
///
/// How often each: `SLUICE_LIVE_STOPS`; without it one backup each of half of the ways.
/// `Tests/Soak/live-stops` asks for 20.
@Suite(.withGuest) struct LiveStopTests {
  struct Cell: Sendable, CustomTestStringConvertible {
    var format = GuestSetup.Format.raw
    let hasIOThread: Bool
    let transport: String
    var testDescription: String {
      "\(transport) \(hasIOThread ? "with" : "without") I/O threads, \(format)"
    }
  }

  private static let count = Moments.number("SLUICE_LIVE_STOPS")

  private static func cells(_ sample: [Cell], and more: [Cell]) -> [Cell] {
    guard count != nil else { return sample }
    let words = getenv("SLUICE_LIVE_STOP_CELL").map { String(cString: $0) } ?? ""
    return (sample + more).filter { words.isEmpty || $0.testDescription.contains(words) }
  }

  @Test(
    .enabled(if: Emulator.installed.isThere, Emulator.installed.missing),
    arguments: cells(
      [
        Cell(hasIOThread: true, transport: "auto"),
        Cell(hasIOThread: false, transport: "vhost-user"),
      ],
      and: [
        Cell(format: .qcow2, hasIOThread: true, transport: "auto"),
        Cell(hasIOThread: false, transport: "nbd"),
        Cell(hasIOThread: false, transport: "spool"),
      ]))
  func `a guest that is stopped or reset is not harmed with the installed QEMU`(
    cell: Cell
  ) async throws { try await disturb(cell, .installed) }

  @Test(
    .enabled(if: Emulator.backports.isThere, Emulator.backports.missing),
    arguments: cells(
      [
        Cell(hasIOThread: true, transport: "auto")
      ],
      and: [
        Cell(format: .qcow2, hasIOThread: true, transport: "auto"),
        Cell(hasIOThread: false, transport: "vhost-user"),
        Cell(hasIOThread: false, transport: "nbd"),
      ]))
  func `a guest that is stopped or reset is not harmed with the QEMU of the backports`(
    cell: Cell
  ) async throws { try await disturb(cell, .backports) }

  /// Backups until each thing has happened so often.
  private func disturb(_ cell: Cell, _ emulator: Emulator) async throws {
    let guest = try await LiveGuest(
      GuestSetup {
        $0.emulator = emulator
        $0.format = cell.format
        $0.hasIOThread = cell.hasIOThread
        $0.diskBytes = 48 << 20
      }, prepare: Self.filling(cell.format))
    var moments = Moments(seed: Moments.seed)
    for round in 0..<(Self.count.map { $0 * 2 } ?? 1) {
      let disturbance = LiveDisturbance(
        guest: guest, transport: cell.transport,
        told: "seed \(Moments.seed), \(cell), backup \(round)")
      try await disturbance.run(round % 2 == 0 ? .reset : .reboot, &moments)
    }
  }

  /// Data beyond what the workload uses, so that there is something to read.
  private static func filling(_ format: GuestSetup.Format) -> String {
    "for i in a b; do qemu-io -f \(format) -c 'write -P 90 32M 16M' $i.\(format) >/dev/null; done"
  }
}

/// One backup during which things happen to the guest.
private struct LiveDisturbance {
  enum Start { case reset, reboot }

  let guest: LiveGuest
  let transport: String
  let told: String
  private var words: Comment { Comment(rawValue: told) }

  /// Stops and continues the guest around the reset, five times, and holds the archive against it.
  func run(_ start: Start, _ moments: inout Moments) async throws {
    let before = try guest.blockState()
    let boots = guest.bootCount
    let program = try startSluice(
      [
        "backup", "--json", "--qmp", guest.qmp, "--to", "raw=x", "--transport", transport,
        "--rate-limit", "8M",
      ], in: guest.files.directory)
    #expect(try await program.says("\"point-in-time\""), "\(told): \(program.output)")
    try await pause(0.3, &moments)
    do {
      for _ in 0..<3 { try await stopAndContinue(&moments) }
      try await restart(start)
      try await pause(0.2, &moments)
      for _ in 0..<2 { try await stopAndContinue(&moments) }
    } catch {
      Issue.record(error, "\(told): \(try guest.files.text("qemu.log"))")
    }
    let finding = try await program.finding()
    let log = try guest.files.text("qemu.log")
    try #require(guest.isRunning, "\(told): QEMU has ended: \(log)")
    #expect(finding.status == 0, "\(told): \(finding.errors)")
    try await guest.waitUntilReady(boots: boots + 1)
    #expect(try guest.blockState() == before, words)
    #expect(try guest.runState == "running", words)
    try await expectOneInstant()
    #expect(try await guest.progress(since: guest.status().record).errors == 0, words)
  }

  private func stopAndContinue(_ moments: inout Moments) async throws {
    try guest.monitor.query("stop")
    try await pause(0.06, &moments)
    try guest.monitor.query("cont")
    try await pause(0.2, &moments)
  }

  private func restart(_ start: Start) async throws {
    switch start {
    case .reset: try guest.monitor.query("system_reset")
    case .reboot: try await guest.run("reboot")
    }
  }

  private func pause(_ most: Double, _ moments: inout Moments) async throws {
    try await Task.sleep(for: .seconds(moments.next(below: most)))
  }

  private func expectOneInstant() async throws {
    let restored = try await sluice(["restore", "x", "--to", "r"], in: guest.files.directory)
    #expect(restored.status == 0, "\(told): \(restored.errors)")
    let disks = guest.setup.diskNames.map { guest.files.path("r/\($0).raw") }
    let found = try await instantCheck(disks[0], disks[1])
    #expect(found.isOne, "\(told): \(found.words)")
    try await guest.files.shell("rm -r x r")
  }
}
