package import JSON

/// One step of a live backup, for people and for tools.
package struct GuestStep: Sendable {
  /// What a tool sees as `event`.
  package let name: String
  /// What a person reads.
  package let text: String
  /// What a tool sees beside it.
  package let facts: JSONObject

  init(_ name: String, _ text: String, _ facts: JSONObject = [:]) {
    self.name = name
    self.text = text
    self.facts = facts
  }
}

/// What a live backup has cost its guest.
package struct GuestReport: Sendable {
  /// Milliseconds the transaction took that made the point in time.
  package var pointInTimeMilliseconds = 0.0
  /// The point in time, RFC 3339 in UTC.
  package var instant = ""
  /// Seconds the guest stood still because of the backup; 0 in the usual case.
  package var stallSeconds = 0.0
  /// Seconds the guest's filesystems were frozen; `nil`: they were not.
  package var frozenSeconds: Double?
  /// Bytes each fleecing store took, by disk.
  package var fleecedBytes: [String: UInt64] = [:]

  package init() {}
}
