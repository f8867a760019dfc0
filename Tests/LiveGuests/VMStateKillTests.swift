import CommandLine
import Glibc
import JSON
import LiveGuest
import System
import Testing

/// Somebody dies, the spool fails, or another program cancels, at a random moment of a backup with
/// RAM, again and again: the guest runs on, and its RAM is its own.
///
/// How often: `SLUICE_VMSTATE_KILLS`, 7 without; `Tests/Soak/vmstate` asks for 100. `SLUICE_SEED`
/// repeats a run's moments.
@Suite(.withGuest) struct VMStateKillTests {
  /// Who or what fails, in turn.
  enum Victim: CaseIterable {
    case coordinator, plugin, watchdog, coordinatorAndWatchdog, fullSpool, brokenSpool, migration
  }

  private static let count = Moments.number("SLUICE_VMSTATE_KILLS") ?? Victim.allCases.count

  @Test(
    .enabled(if: Emulator.installed.isThere, Emulator.installed.missing),
    arguments: ["auto", "stop"])
  func `whoever dies, the guest runs on with its RAM, with the installed QEMU`(
    way: String
  ) async throws { try await killAll(.installed, way) }

  @Test(
    .enabled(if: Emulator.backports.isThere, Emulator.backports.missing),
    arguments: ["auto", "stop"])
  func `whoever dies, the guest runs on with its RAM, with the QEMU of the backports`(
    way: String
  ) async throws { try await killAll(.backports, way) }

  private func killAll(_ emulator: Emulator, _ way: String) async throws {
    let guest = try await LiveGuest(
      VMStateBackup.setup {
        $0.emulator = emulator
        $0.writeErrors = "stop"
        $0.faultDirectory = "fleece"
      }, prepare: "mkdir fleece && echo none >fault")
    var moments = Moments(seed: Moments.seed)
    let arguments = [
      "--fleecing-dir", "fleece", "--rate-limit", "200M", "--vmstate=\(way)",
    ]
    let whole = try await VMStateBackup(guest: guest).start("slow", arguments).finding()
    #expect(whole.status == 0, "\(whole.errors)")
    for round in 0..<Self.count {
      try await guest.files.shell("rm -rf slow")
      let victim = Victim.allCases[round % Victim.allCases.count]
      // The migration is short, and near the beginning.
      let span = victim == .migration ? 0 : whole.seconds
      let moment = moments.next(below: span)
      let told = "seed \(Moments.seed), round \(round): \(victim) after \(moment) s, \(way)"
      do {
        try await VMStateKill(guest, victim, Comment(rawValue: told)).run(arguments, after: moment)
      } catch {
        throw GuestFailure(what: told, log: "\(error)")
      }
    }
    try await guest.files.shell("rm -rf slow")
    try await VMStateBackup(guest: guest).expectRoundTrip(
      "slow", way: way, ["--fleecing-dir", "fleece"])
  }
}

/// One backup that something happens to.
private struct VMStateKill {
  private let guest: LiveGuest
  private let victim: VMStateKillTests.Victim
  private let told: Comment

  init(_ guest: LiveGuest, _ victim: VMStateKillTests.Victim, _ told: Comment) {
    self.guest = guest
    self.victim = victim
    self.told = told
  }

  /// Starts it, lets it happen, and holds QEMU and the guest against what they were.
  func run(_ arguments: [String], after seconds: Double) async throws {
    let before = try guest.blockState()
    let settings = try guest.migrationSettings()
    let program = try VMStateBackup(guest: guest).start("slow", arguments)
    try await Task.sleep(for: .seconds(seconds))
    try await strike(program)
    if victim == .coordinator { try await waitUntilRunning() }
    let finding = try await program.finding()
    try guest.setFault("none")
    #expect(finding.left == [], told)
    if victim == .coordinatorAndWatchdog {
      let recovery = try await sluice(["recover", "--qmp", guest.qmp])
      #expect(recovery.status == 0, "\(told): \(recovery.errors)")
    }
    try await waitUntilRunning()
    #expect(try guest.blockState() == before, told)
    #expect(try guest.migrationSettings() == settings, told)
    #expect(try guest.openFiles(below: guest.files.path("fleece")) == [], told)
    #expect(try await guest.progress(since: guest.status().record, within: 5).errors == 0, told)
    try await guest.verifyRAM()
    #expect(!guest.log.contains("DISAGREES"), told)
    expectVerdict(finding)
  }

  /// What the coordinator makes of it, if it lives.
  private func expectVerdict(_ finding: Finding) {
    switch victim {
    case .coordinator, .coordinatorAndWatchdog:
      #expect(finding.signal == SIGKILL || finding.status == 0, told)
    case .watchdog: #expect(finding.status == 0, "\(told): \(finding.errors)")
    case .plugin: #expect([0, 70].contains(finding.status), "\(told): \(finding.errors)")
    case .fullSpool, .brokenSpool, .migration:
      #expect([0, 69, 70, 74].contains(finding.status), "\(told): \(finding.errors)")
    }
  }

  private func strike(_ program: Program) async throws {
    switch victim {
    case .coordinator: program.send(SIGKILL)
    case .coordinatorAndWatchdog:
      // The watchdog first: the other way it would have begun.
      if let watchdog = program.watchdog { kill(watchdog, SIGKILL) }
      program.send(SIGKILL)
    case .watchdog: if let watchdog = program.watchdog { kill(watchdog, SIGKILL) }
    case .plugin: if let writer = program.writer { kill(writer, SIGKILL) }
    case .fullSpool: try fail("enospc")
    case .brokenSpool: try fail("eio")
    case .migration: if try awaitMigration() { try guest.monitor.query("migrate_cancel") }
    }
  }

  /// Lets writes below the fleecing directory fail.
  ///
  /// QEMU 10.0 closes its descriptor 0, which the guest's serial line hears on, if a background
  /// snapshot fails before the RAM is protected (`ram_write_tracking_stop` closes a descriptor that
  /// it does not have).
  private func fail(_ fault: String) throws {
    if guest.setup.emulator == .backports { _ = try awaitMigration() }
    try guest.setFault(fault)
  }

  /// Waits for the migration of the backup.
  ///
  /// - Returns: Whether it was there.
  private func awaitMigration() throws -> Bool {
    let deadline = MonotonicTime.now.advanced(bySeconds: 5)
    while MonotonicTime.now < deadline {
      if try guest.monitor.query("query-migrate")["status"] == "active" { return true }
    }
    return false
  }

  /// Within five seconds, whoever does it.
  private func waitUntilRunning() async throws {
    let deadline = MonotonicTime.now.advanced(bySeconds: 5)
    while try guest.runState != "running", MonotonicTime.now < deadline {
      try await Task.sleep(for: .milliseconds(20))
    }
    #expect(try guest.runState == "running", told)
  }
}
