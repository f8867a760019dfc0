/// What holds where the user says nothing, for what more than one request has.
package enum Defaults {
  /// Seconds that a plugin may make no progress.
  package static let stallLimit = 600.0
  /// Seconds that the file systems of a guest may be frozen.
  package static let guestStallLimit = 1.0
  /// Directory of the temporary file for data that arrives out of order.
  package static let scratchDirectory = "/var/tmp"
}
