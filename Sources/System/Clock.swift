internal import CLinux

/// An instant of the monotonic clock, in nanoseconds since an arbitrary start.
package struct Instant: Comparable, Sendable {
  package let nanoseconds: UInt64

  package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  /// The present.
  package static var now: Instant { Instant(nanoseconds: clinux_monotonic_nanoseconds()) }

  package static func < (left: Instant, right: Instant) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// The instant `seconds` later.
  package func advanced(bySeconds seconds: Double) -> Instant {
    Instant(nanoseconds: nanoseconds &+ UInt64(max(0, seconds) * 1e9))
  }

  /// Seconds from `earlier` to this instant; never negative.
  package func seconds(since earlier: Instant) -> Double {
    nanoseconds > earlier.nanoseconds ? Double(nanoseconds - earlier.nanoseconds) / 1e9 : 0
  }
}
