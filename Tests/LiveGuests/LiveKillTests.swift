import CommandLine
import Glibc
import LiveGuest
import System
import Testing

/// Somebody dies, or the store does, at a random moment of a live backup, again and again.
///
/// How often: `SLUICE_LIVE_KILLS`, 12 without; `Tests/Soak/live-kills` asks for 200. `SLUICE_SEED`
/// repeats a run's moments, `SLUICE_LIVE_KILL_TRANSPORT=spool` tries another way.
@Suite(.withGuest) struct LiveKillTests {
  /// Who or what fails, in turn.
  enum Victim: CaseIterable {
    case coordinator, plugin, watchdog, coordinatorAndWatchdog, fullStore, brokenStore
  }

  private static let count = Moments.number("SLUICE_LIVE_KILLS") ?? 12
  fileprivate static let transport =
    getenv("SLUICE_LIVE_KILL_TRANSPORT").map { String(cString: $0) } ?? "auto"

  @Test(.enabled(if: Emulator.installed.isThere, Emulator.installed.missing))
  func `whoever dies, the guest goes on and QEMU is as before, with the installed QEMU`()
    async throws
  { try await killAll(.installed) }

  @Test(.enabled(if: Emulator.backports.isThere, Emulator.backports.missing))
  func `whoever dies, the guest goes on and QEMU is as before, with the QEMU of the backports`()
    async throws
  { try await killAll(.backports) }

  private func killAll(_ emulator: Emulator) async throws {
    let guest = try await LiveGuest(
      GuestSetup {
        $0.emulator = emulator
        $0.writeErrors = "stop"
        $0.faultDirectory = "fleece"
      }, prepare: "mkdir fleece && echo none >fault")
    var moments = Moments(seed: Moments.seed)
    let whole = try await sluice(Self.arguments(guest), in: guest.files.directory)
    #expect(whole.status == 0, "\(whole.errors)")
    try await guest.files.shell("rm -r slow")
    var victims: [Victim: Int] = [:]
    for round in 0..<Self.count {
      let victim = Victim.allCases[round % Victim.allCases.count]
      let moment = moments.next(below: whole.seconds)
      let round = LiveKill(
        guest, victim, "seed \(Moments.seed), round \(round): \(victim) after \(moment) s")
      let hasFailed = try await round.run(Self.arguments(guest), after: moment)
      if hasFailed { victims[victim, default: 0] += 1 }
      try await round.expectNextSucceeds()
    }
    // At least half came in time to matter; a plugin and a store are there only for a part of it.
    #expect(victims.values.reduce(0, +) > Self.count / 3, "\(victims)")
  }

  /// A backup that takes about a second.
  private static func arguments(_ guest: LiveGuest) -> [String] {
    [
      "backup", "--json", "--qmp", guest.qmp, "--to", "raw=slow", "--fleecing-dir", "fleece",
      "--rate-limit", "12M", "--transport", transport,
    ]
  }
}

/// One backup that something happens to.
private struct LiveKill {
  private let guest: LiveGuest
  private let victim: LiveKillTests.Victim
  private let told: Comment

  init(_ guest: LiveGuest, _ victim: LiveKillTests.Victim, _ told: String) {
    self.guest = guest
    self.victim = victim
    self.told = Comment(rawValue: told)
  }

  /// Starts it, lets it happen, and holds QEMU and the guest against what they were.
  ///
  /// - Returns: Whether the backup came to nothing.
  func run(_ arguments: [String], after seconds: Double) async throws -> Bool {
    let before = try guest.blockState()
    let program = try startSluice(arguments, in: guest.files.directory)
    try await Task.sleep(for: .seconds(seconds))
    let isDone = try strike(program)
    let struck = MonotonicTime.now
    // All of it within five seconds, whoever does it.
    if victim != .coordinatorAndWatchdog && isDone {
      while try guest.blockState() != before, MonotonicTime.now.seconds(since: struck) < 5 {
        if victim == .watchdog { break }
        try await Task.sleep(for: .milliseconds(20))
      }
    }
    let finding = try await program.finding()
    try guest.setFault("none")
    #expect(finding.left == [], told)
    if victim == .coordinatorAndWatchdog {
      let recovery = try await sluice(["recover", "--qmp", guest.qmp])
      #expect(recovery.status == 0, "\(told): \(recovery.errors)")
    }
    #expect(try guest.blockState() == before, told)
    #expect(try guest.runState == "running", told)
    #expect(try await guest.progress(since: guest.status().record).errors == 0, told)
    expectVerdict(finding, isDone)
    return finding.status != 0
  }

  /// What the coordinator makes of it, if it lives.
  private func expectVerdict(_ finding: Finding, _ isDone: Bool) {
    switch victim {
    case .coordinator, .coordinatorAndWatchdog:
      #expect(!isDone || finding.signal == SIGKILL || finding.status == 0, told)
    case .watchdog: #expect(finding.status == 0, "\(told): \(finding.errors)")
    case .plugin:
      // Of a spool the sandboxed process that is found may be the one that reads it.
      let failures: [Int32] = LiveKillTests.transport == "spool" ? [0, 70, 74] : [0, 70]
      #expect(failures.contains(finding.status ?? -1), "\(told): \(finding.errors)")
    case .fullStore, .brokenStore:
      #expect([0, 74].contains(finding.status), "\(told): \(finding.errors)")
    }
  }

  /// - Returns: Whether there was somebody to strike.
  private func strike(_ program: Program) throws -> Bool {
    switch victim {
    case .coordinator: program.send(SIGKILL)
    case .coordinatorAndWatchdog:
      // The watchdog first: the other way it would have begun.
      if let watchdog = program.watchdog { kill(watchdog, SIGKILL) }
      program.send(SIGKILL)
    case .watchdog: return program.watchdog.map { kill($0, SIGKILL) == 0 } ?? false
    case .plugin: return program.writer.map { kill($0, SIGKILL) == 0 } ?? false
    case .fullStore: try guest.setFault("enospc")
    case .brokenStore: try guest.setFault("eio")
    }
    return true
  }

  /// The next backup to the same place is whole, and of one instant; whatever the one before left
  /// behind is gone.
  func expectNextSucceeds() async throws {
    try await guest.files.shell("rm -rf slow")
    let disks = try await LiveBackup(guest: guest).run("slow", ["--fleecing-dir", "fleece"]).disks
    let found = try await instantCheck(disks[0], disks[1])
    #expect(found.isOne, "\(told): \(found.words)")
    #expect(try SlowBackup.journals(of: guest) == [], told)
    try await guest.files.shell("rm -rf slow slow-restored")
  }
}
