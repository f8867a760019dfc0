internal import CLinux
internal import Synchronization

/// Tells a job to stop: once to end in order, twice to end at once.
package final class StopSignal: Sendable {
  private let count = Atomic<Int>(0)
  private let event: OwnedDescriptor

  package init() throws(SystemCallError) {
    event = OwnedDescriptor(adopting: try check(clinux_eventfd(), .eventDescriptor, "stop"))
  }

  /// Readable from the first request on.
  package var descriptor: Int32 { event.raw }
  package var isRequested: Bool { count.load(ordering: .relaxed) > 0 }
  package var isUrgent: Bool { count.load(ordering: .relaxed) > 1 }

  /// Asks the job to stop; may be called by any thread and by a signal handler's helper.
  package func request() {
    count.wrappingAdd(1, ordering: .relaxed)
    var one: UInt64 = 1
    unsafe _ = clinux_write(event.raw, &one, 8)
  }
}
