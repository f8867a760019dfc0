internal import JSON

/// Undoes a capture of RAM, step by step: the migration ends, the guest is resumed, the settings
/// are put back.
///
/// A background snapshot that does not complete is the end of the guest in QEMU 7.2: the RAM stays
/// write-protected, and the next write waits for ever (`ram_write_tracking_stop` is called on
/// completion only, QEMU `migration/migration.c`). There a migration is never cancelled: QEMU has
/// the file and writes what is left, while the guest runs. Of one that has failed, or that somebody
/// else has cancelled, `UserfaultRescue` frees the guest.
struct VMStateRemoval {
  /// What it is called among the things that are left.
  static let name = "a migration of RAM"

  /// States of a migration that has not ended (QEMU `qapi/migration.json`).
  static let active: Set = [
    "setup", "active", "device", "pre-switchover", "postcopy-active", "postcopy-paused",
    "postcopy-recover", "cancelling", "colo", "wait-unplug",
  ]

  /// States of one that does not complete.
  private static let broken: Set = ["failed", "cancelled", "cancelling"]

  /// States of a machine that our pause leads to.
  private static let paused: Set = ["paused", "postmigrate", "finish-migrate"]

  private let monitor: any Monitor
  /// Name of the descriptor that QEMU was given; it is closed if QEMU still has it.
  private let descriptor: String
  private var undo: VMStateUndo
  private var isCancelled = false

  init(_ undo: VMStateUndo, of mark: JobMark, _ monitor: any Monitor) {
    self.monitor = monitor
    self.undo = undo
    descriptor = mark.vmStateDescriptor
  }

  /// Does what can be done now.
  ///
  /// - Returns: Whether everything is undone, and whether the guest was resumed.
  /// - Throws: `qmp`: to be tried again if QEMU only refused.
  mutating func step(
    seconds: Double
  ) async throws(QMPError) -> (isDone: Bool, hasResumedGuest: Bool) {
    // The guest does not wait for the end of a migration that is not cancelled.
    let waits = undo.isMigrating && undo.cancelling != .atOnce
    let hasEnded = try await endMigration(seconds)
    let isResumed = hasEnded || waits ? try await resume(seconds) : false
    guard hasEnded else { return (false, isResumed) }
    for (command, arguments) in undo.settings.restoration {
      _ = try await monitor.execute(command, arguments, seconds: seconds)
    }
    undo.settings = MigrationSettings()
    do throws(QMPError) {
      _ = try await monitor.execute(
        "closefd", ["fdname": .string(descriptor)], seconds: seconds)
    } catch {
      // QEMU has closed it itself, as it does when a migration begins.
      guard case .refused = error else { throw error }
    }
    return (true, isResumed)
  }

  /// - Returns: Whether no migration is in progress.
  private mutating func endMigration(_ seconds: Double) async throws(QMPError) -> Bool {
    guard undo.isMigrating else { return true }
    let answer = try await migration(seconds)
    let status = answer["status"]?.string
    if Self.broken.contains(status ?? "") { freeGuest() }
    guard Self.active.contains(status ?? "") else {
      guard try await Self.isOver(monitor, seconds) else { return false }
      undo.isMigrating = false
      return true
    }
    if mayCancel(answer) && !isCancelled {
      _ = try await monitor.execute("migrate_cancel", seconds: seconds)
      isCancelled = true
    }
    return false
  }

  /// Whether QEMU has cleaned up after a migration that has ended.
  ///
  /// It does so later, on its main loop, and looks at the capabilities then: one that is set in
  /// between, such as multifd, makes it crash (7.2 and 10.0). What is there to be yanked goes last
  /// (QEMU `migrate_fd_cleanup`).
  static func isOver(_ monitor: any Monitor, _ seconds: Double) async throws(QMPError) -> Bool {
    do throws(QMPError) {
      let instances = try await monitor.execute("query-yank", seconds: seconds).array ?? []
      return !instances.contains { $0["type"] == "migration" }
    } catch {
      // Without that command it was too long ago.
      guard case .refused = error else { throw error }
      return true
    }
  }

  private func mayCancel(_ migration: JSONValue) -> Bool {
    switch undo.cancelling {
    case .atOnce: true
    case .whenWriting: Self.isWriting(migration)
    case .never: false
    }
  }

  /// Whether the first pages of RAM are written: in a background snapshot it is protected then.
  ///
  /// - Parameter migration: The answer to `query-migrate`.
  static func isWriting(_ migration: JSONValue) -> Bool {
    let ram = migration["ram"]
    return (ram?["normal"]?.integer ?? 0) + (ram?["duplicate"]?.integer ?? 0) > 0
  }

  private func migration(_ seconds: Double) async throws(QMPError) -> JSONValue {
    do throws(QMPError) {
      return try await monitor.execute("query-migrate", seconds: seconds)
    } catch {
      // QEMU waits for a thread of the guest, perhaps.
      if case .notInTime = error { freeGuest() }
      throw error
    }
  }

  /// Nobody wants the RAM any more: its protection can go, whatever QEMU is doing.
  private func freeGuest() {
    if undo.cancelling == .never { UserfaultRescue.run(monitor.process) }
  }

  /// A guest that runs, or stands for another reason, is left alone.
  ///
  /// - Returns: Whether it was resumed.
  private mutating func resume(_ seconds: Double) async throws(QMPError) -> Bool {
    guard undo.isPaused else { return false }
    let status = try await monitor.execute("query-status", seconds: seconds)["status"]?.string
    let isOurs = Self.paused.contains(status ?? "")
    if isOurs { _ = try await monitor.execute("cont", seconds: seconds) }
    undo.isPaused = false
    return isOurs
  }
}
