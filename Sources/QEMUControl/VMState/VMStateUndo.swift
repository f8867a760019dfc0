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
  /// When the migration can be cancelled without harm.
  package internal(set) var cancelling = Cancelling.never

  /// When a migration can be cancelled without harm to the guest.
  package enum Cancelling: String, Sendable {
    case atOnce = "at-once"
    /// Not before the RAM is protected: QEMU 10.0 ends a protection that has not begun all the
    /// same, and crashes, or closes its descriptor 0 (`ram_write_tracking_stop`).
    case whenWriting = "when-writing"
    /// It has to come to its own end.
    case never
  }

  init(
    _ settings: MigrationSettings = MigrationSettings(), cancelling: Cancelling = .never
  ) {
    self.settings = settings
    self.cancelling = cancelling
  }

  /// - Parameter value: Of a journal; `nil` where no RAM is captured.
  init?(parsing value: JSONValue?) {
    guard let value, value.object != nil else { return nil }
    settings = MigrationSettings(parsing: value["settings"])
    isMigrating = value["migrating"]?.bool ?? true
    isPaused = value["paused"]?.bool ?? true
    cancelling = value["cancelling"]?.string.flatMap { Cancelling(rawValue: $0) } ?? .never
  }

  var json: JSONValue {
    [
      "settings": settings.json, "migrating": .bool(isMigrating), "paused": .bool(isPaused),
      "cancelling": .string(cancelling.rawValue),
    ]
  }
}
