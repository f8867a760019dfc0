internal import JSON

/// Undoes a capture of RAM, step by step: the migration ends, the guest is resumed, the settings
/// are put back.
///
/// A background snapshot that does not complete is the end of the guest in QEMU 7.2: the RAM stays
/// write-protected, and the next write waits for ever (`ram_write_tracking_stop` is called on
/// completion only, QEMU `migration/migration.c`). There a migration is never cancelled; QEMU has
/// the file and writes what is left, while the guest runs.
struct VMStateRemoval {
  /// What it is called among the things that are left.
  static let name = "a migration of RAM"

  /// States of a migration that has not ended (QEMU `qapi/migration.json`).
  static let active: Set = [
    "setup", "active", "device", "pre-switchover", "postcopy-active", "postcopy-paused",
    "postcopy-recover", "cancelling", "colo", "wait-unplug",
  ]

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
    // The guest of a background snapshot does not wait for its end.
    let isBackground = undo.isMigrating && !undo.mayBeCancelled
    var isResumed = isBackground ? try await resume(seconds) : false
    guard try await endMigration(seconds) else { return (false, isResumed) }
    if !isBackground { isResumed = try await resume(seconds) }
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
    let status = try await monitor.execute("query-migrate", seconds: seconds)["status"]?.string
    guard Self.active.contains(status ?? "") else {
      undo.isMigrating = false
      return true
    }
    if undo.mayBeCancelled && !isCancelled {
      _ = try await monitor.execute("migrate_cancel", seconds: seconds)
      isCancelled = true
    }
    return false
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
