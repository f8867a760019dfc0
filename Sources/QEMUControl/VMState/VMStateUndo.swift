internal import JSON
internal import System

/// What a capture of RAM has changed in a running QEMU, as far as it has to be undone.
///
/// Noted in the journal before each of it becomes true.
package struct VMStateUndo: Equatable, Sendable {
  /// Settings that were changed, with the values they had.
  package internal(set) var settings = MigrationSettings()
  /// QEMU was asked to migrate into our file, or is about to be.
  package internal(set) var isMigrating = false
  /// The guest ran, and was paused by us, or is about to be.
  package internal(set) var isPaused = false

  init(_ settings: MigrationSettings = MigrationSettings()) { self.settings = settings }

  /// - Parameter value: Of a journal; `nil` where no RAM is captured.
  init?(parsing value: JSONValue?) {
    guard let value, value.object != nil else { return nil }
    settings = MigrationSettings(parsing: value["settings"])
    isMigrating = value["migrating"]?.bool ?? true
    isPaused = value["paused"]?.bool ?? true
  }

  var json: JSONValue {
    [
      "settings": settings.json, "migrating": .bool(isMigrating), "paused": .bool(isPaused),
    ]
  }
}

/// Undoes a capture of RAM: cancels the migration, resumes the guest, puts the settings back.
///
/// The guest comes first: it may be paused.
struct VMStateRemoval {
  let monitor: any Monitor
  let undo: VMStateUndo
  /// Name of the descriptor that QEMU was given; it is closed if QEMU still has it.
  let descriptor: String
  let deadline: MonotonicTime

  /// States of a migration that can be cancelled, or is being (QEMU `qapi/migration.json`).
  static let active: Set = [
    "setup", "active", "device", "pre-switchover", "postcopy-active", "postcopy-paused",
    "postcopy-recover", "cancelling", "colo", "wait-unplug",
  ]

  /// States of a machine that our pause leads to.
  private static let paused: Set = ["paused", "postmigrate", "finish-migrate"]

  /// - Returns: Whether the guest was resumed.
  /// - Throws: `qmp`: something is left.
  func run() async throws(QMPError) -> Bool {
    if undo.isMigrating { try await cancel() }
    let isResumed = undo.isPaused ? try await resume() : false
    for (command, arguments) in undo.settings.restoration {
      _ = try await monitor.execute(command, arguments, seconds: left)
    }
    do throws(QMPError) {
      _ = try await monitor.execute("closefd", ["fdname": .string(descriptor)], seconds: left)
    } catch {
      // QEMU closed it itself, as it does when a migration has begun.
      guard case .refused = error else { throw error }
    }
    return isResumed
  }

  private var left: Double { max(0.5, deadline.seconds(since: .now)) }

  private func cancel() async throws(QMPError) {
    var isAsked = false
    while true {
      let status = try await monitor.execute("query-migrate", seconds: left)["status"]?.string
      guard Self.active.contains(status ?? "") else { return }
      guard deadline.seconds(since: .now) > 0 else {
        throw .notInTime(command: "migrate_cancel", seconds: 0)
      }
      if !isAsked { _ = try await monitor.execute("migrate_cancel", seconds: left) }
      isAsked = true
      await pause(milliseconds: 5)
    }
  }

  /// A guest that runs, or stands for another reason, is left alone.
  private func resume() async throws(QMPError) -> Bool {
    let status = try await monitor.execute("query-status", seconds: left)["status"]?.string
    guard Self.paused.contains(status ?? "") else { return false }
    _ = try await monitor.execute("cont", seconds: left)
    return true
  }
}
