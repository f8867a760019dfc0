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

  /// The capture of RAM; `nil` if there was none.
  package var vmState: VMStateReport?

  package init() {}
}

/// What the capture of a machine's RAM has cost.
package struct VMStateReport: Sendable {
  /// `background` or `stop`.
  package let way: String
  /// Bytes of RAM and device state.
  package let storedBytes: UInt64
  /// Seconds that QEMU took to write them.
  package let seconds: Double
  /// Seconds for which the guest was paused; `nil`: it was paused before.
  package let pauseSeconds: Double?

  package init(way: String, storedBytes: UInt64, seconds: Double, pauseSeconds: Double?) {
    self.way = way
    self.storedBytes = storedBytes
    self.seconds = seconds
    self.pauseSeconds = pauseSeconds
  }

  /// One line for people.
  package var text: String {
    let rate = seconds > 0 ? UInt64(Double(storedBytes) / seconds) >> 20 : 0
    let pause = pauseSeconds.map { "; guest paused for \(Int(($0 * 1000).rounded())) ms" } ?? ""
    return "RAM and device state captured: \(storedBytes >> 20) MiB in "
      + "\((seconds * 10).rounded() / 10) s (\(rate) MiB/s)\(pause)"
  }
}
