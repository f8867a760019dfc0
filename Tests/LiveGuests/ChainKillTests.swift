import CommandLine
import Glibc
import LiveGuest
import System
import Testing

/// Somebody dies at a random moment of an incremental backup, again and again: the next increment
/// restores to its instant, so no write was lost from sight.
///
/// How often: `SLUICE_CHAIN_KILLS`, 5 without; `Tests/Soak/chains` asks for 70. `SLUICE_SEED`
/// repeats a run's moments.
@Suite(.withGuest) struct ChainKillTests {
  /// Who dies, in turn.
  enum Victim: CaseIterable { case coordinator, plugin, watchdog, coordinatorAndWatchdog, emulator }

  private static let count = Moments.number("SLUICE_CHAIN_KILLS") ?? 5
  /// Backups after which a new chain begins.
  private static let chainMax = 20

  @Test(
    .enabled(if: Emulator.installed.isThere, Emulator.installed.missing),
    arguments: [GuestSetup.Format.raw, .qcow2])
  func `whoever dies, the next increment lacks nothing, with the installed QEMU`(
    format: GuestSetup.Format
  ) async throws { try await killAll(.installed, format) }

  @Test(
    .enabled(if: Emulator.backports.isThere, Emulator.backports.missing),
    arguments: [GuestSetup.Format.qcow2])
  func `whoever dies, the next increment lacks nothing, with the QEMU of the backports`(
    format: GuestSetup.Format
  ) async throws { try await killAll(.backports, format) }

  private func killAll(_ emulator: Emulator, _ format: GuestSetup.Format) async throws {
    let first = try await LiveGuest(
      GuestSetup {
        $0.emulator = emulator
        $0.format = format
      })
    var guest = first
    var moments = Moments(seed: Moments.seed)
    var chain = try LiveChain(guest)
    try await chain.backUp(guest, "c0", "full")
    var (number, struck) = (0, 0)
    for round in 0..<Self.count {
      let before = try guest.blockState()
      let victim = Victim.allCases[round % Victim.allCases.count]
      let moment = moments.next(below: 2)
      let told = "seed \(Moments.seed), round \(round): \(victim) after \(moment) s"
      let arguments =
        LiveChain.arguments(guest, "killed", "auto", in: chain) + ["--rate-limit", "4M"]
      let program = try startSluice(arguments, in: guest.files.directory)
      try await Task.sleep(for: .seconds(moment))
      strike(victim, program, guest)
      let finding = try await program.finding()
      if finding.status != 0 { struck += 1 }
      try await chain.directory.shell("rm -rf killed")
      if victim == .emulator {
        guest = try await LiveGuest(
          GuestSetup {
            $0.emulator = emulator
            $0.format = format
            $0.images = first.images
          })
      }
      number += 1
      if number == Self.chainMax {
        number = 0
        chain = try LiveChain(guest)
      }
      _ = try await guest.progress(since: guest.status().record)
      let level = number == 0 ? "full" : "auto"
      // A QEMU that was started again calls its nodes otherwise.
      try await chain.backUp(
        guest, "c\(number)", level, before: victim == .emulator ? nil : before)
      try await chain.expectOneInstant("c\(number)")
      #expect(try guest.blockState().ownBitmaps.count <= 16, "\(told)")
      #expect(try await guest.progress(since: guest.status().record).errors == 0, "\(told)")
    }
    #expect(struck > Self.count / 4, "\(struck)")
  }

  private func strike(_ victim: Victim, _ program: Program, _ guest: LiveGuest) {
    switch victim {
    case .coordinator: program.send(SIGKILL)
    case .plugin: if let writer = program.writer { kill(writer, SIGKILL) }
    case .watchdog: if let watchdog = program.watchdog { kill(watchdog, SIGKILL) }
    case .coordinatorAndWatchdog:
      // The watchdog first: the other way it would have begun.
      if let watchdog = program.watchdog { kill(watchdog, SIGKILL) }
      program.send(SIGKILL)
    case .emulator: guest.kill()
    }
  }
}
