internal import JSON

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
  /// Cancelling the migration does no harm (``VMStateChoice/mayBeCancelled``).
  package internal(set) var mayBeCancelled = false

  init(_ settings: MigrationSettings = MigrationSettings(), mayBeCancelled: Bool = false) {
    self.settings = settings
    self.mayBeCancelled = mayBeCancelled
  }

  /// - Parameter value: Of a journal; `nil` where no RAM is captured.
  init?(parsing value: JSONValue?) {
    guard let value, value.object != nil else { return nil }
    settings = MigrationSettings(parsing: value["settings"])
    isMigrating = value["migrating"]?.bool ?? true
    isPaused = value["paused"]?.bool ?? true
    mayBeCancelled = value["may-be-cancelled"]?.bool ?? false
  }

  var json: JSONValue {
    [
      "settings": settings.json, "migrating": .bool(isMigrating), "paused": .bool(isPaused),
      "may-be-cancelled": .bool(mayBeCancelled),
    ]
  }
}
