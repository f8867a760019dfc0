internal import CLinux

/// A time of the monotonic clock, in nanoseconds since an arbitrary start.
package struct MonotonicTime: Comparable, Sendable {
  package let nanoseconds: UInt64

  package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  /// The present.
  package static var now: MonotonicTime {
    MonotonicTime(nanoseconds: clinux_monotonic_nanoseconds())
  }

  package static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// The time `seconds` later.
  package func advanced(bySeconds seconds: Double) -> MonotonicTime {
    MonotonicTime(nanoseconds: nanoseconds &+ UInt64(max(0, seconds) * 1e9))
  }

  /// Seconds from `earlier` to this one; never negative.
  package func seconds(since earlier: MonotonicTime) -> Double {
    nanoseconds > earlier.nanoseconds ? Double(nanoseconds - earlier.nanoseconds) / 1e9 : 0
  }
}
