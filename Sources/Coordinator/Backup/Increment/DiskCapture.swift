package import BackupProtocol
package import BlockSource
internal import JobSupport
package import Pump
internal import Requests

/// How much of a disk a job stores, and why.
package struct DiskCapture: Sendable {
  package var method: ChangeMethod
  /// For people: a clause without its verb's object, such as "a full backup was requested".
  package var reason: String

  package init(_ method: ChangeMethod, _ reason: String) {
    self.method = method
    self.reason = reason
  }
}

extension LaneStream {
  /// The same stream, stored as an increment or as a whole.
  ///
  /// - Parameter map: Where it has changed; `nil` leaves the map as it is.
  package func captured(_ capture: DiskCapture, map: [Extent]? = nil) -> LaneStream {
    var description = description
    description.method = capture.method
    description.reason = capture.reason
    description.isIncremental = capture.method != .full
    return LaneStream(
      description: description, size: size, map: map ?? self.map, openReader: openReader)
  }

  /// Says what of it is stored, if that was decided.
  func tell(_ events: EventSink) {
    guard let method = description.method else { return }
    let bytes = map.reduce(0) { $0 + ($1.kind == .unchanged ? 0 : $1.length) }
    events(
      .captured(
        disk: description.name, method, reason: description.reason ?? "", bytes: bytes))
  }

  /// The same stream, to be read by a reader that is open already.
  package func read(by reader: any DiskReader) -> LaneStream {
    LaneStream(description: description, size: size, map: map, openReader: { reader })
  }
}
