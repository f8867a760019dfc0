package import JSON

/// One step of a live backup, for people and for tools.
package struct GuestStep: Sendable {
  /// What a tool sees as `event`.
  package let name: String
  /// What a person reads.
  package let text: String
  /// What a tool sees beside it.
  package let facts: JSONObject

  package init(_ name: String, _ text: String, _ facts: JSONObject = [:]) {
    self.name = name
    self.text = text
    self.facts = facts
  }
}

/// What a live backup has cost its guest.
package struct GuestReport: Sendable {
  /// Milliseconds that the transaction of the point in time took.
  package var pointInTimeMilliseconds = 0.0
  /// The point in time, RFC 3339 in UTC.
  package var instant = ""
  /// Seconds that the backup paused the guest; usually 0.
  package var stallSeconds = 0.0
  /// Seconds the guest's filesystems were frozen; `nil`: they were not.
  package var frozenSeconds: Double?
  /// Size of each fleecing image in bytes, by disk.
  package var fleecedBytes: [String: UInt64] = [:]

  package init() {}
}
