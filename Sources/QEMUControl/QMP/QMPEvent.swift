package import JSON

/// Something happened in QEMU (QEMU `docs/interop/qmp-spec`, "Asynchronous events").
package struct QMPEvent: Equatable, Sendable {
  /// Such as `JOB_STATUS_CHANGE`.
  package let name: String
  package let data: JSONObject
  /// QEMU's clock, in seconds since 1970; -1 where its host could not tell.
  package let seconds: Double

  package init(name: String, data: JSONObject, seconds: Double) {
    self.name = name
    self.data = data
    self.seconds = seconds
  }

  /// The name of an event that we make: the subscriber was so slow that older events are lost, and
  /// it has to ask QEMU for the state of things.
  package static let eventsLost = "SLUICE_EVENTS_LOST"
}

/// Events on their way to one subscriber.
struct EventSubscription: Sendable {
  /// Events that wait for a slow subscriber; then the oldest go, and `eventsLost` comes.
  static let eventCountMax = 4096

  let continuation: AsyncStream<QMPEvent>.Continuation
  private var lostCount = 0

  init(_ continuation: AsyncStream<QMPEvent>.Continuation) { self.continuation = continuation }

  mutating func deliver(_ event: QMPEvent) {
    guard case .dropped = continuation.yield(event) else { return }
    // Told at once, and again before the word itself can have been pushed out.
    if lostCount % (Self.eventCountMax / 2) == 0 {
      continuation.yield(
        QMPEvent(name: QMPEvent.eventsLost, data: [:], seconds: event.seconds))
    }
    lostCount += 1
  }
}
