package import Synchronization
internal import CLinux
package import System

/// What a running lane shows to the outside: counters anyone may read at any time.
package final class LaneProgress: Sendable {
  /// Bytes of all streams that have been dealt with, holes included.
  package let passedBytes = Atomic<UInt64>(0)
  /// Bytes read from the source, or from the archive.
  package let readBytes = Atomic<UInt64>(0)
  /// Bytes of all streams together.
  package let totalBytes = Atomic<UInt64>(0)
  /// Place of the current stream in the job, from 0.
  package let streamIndex = Atomic<Int>(0)

  package init() {}

  func passed(_ bytes: UInt64) { passedBytes.wrappingAdd(bytes, ordering: .relaxed) }
  func read(_ bytes: UInt64) { readBytes.wrappingAdd(bytes, ordering: .relaxed) }
}

/// Tells a lane to stop: once to end in order, twice to end at once.
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

  /// Asks the lane to stop; may be called by any thread and by a signal handler's helper.
  package func request() {
    count.wrappingAdd(1, ordering: .relaxed)
    var one: UInt64 = 1
    unsafe _ = clinux_write(event.raw, &one, 8)
  }
}
