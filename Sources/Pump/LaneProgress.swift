package import Synchronization

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
