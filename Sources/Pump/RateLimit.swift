package import System

/// A token bucket: how fast a job may read.
package struct RateLimit {
  private let bytesPerSecond: Double
  private var available: Double
  private var filledAt: MonotonicTime

  /// - Parameter bytesPerSecond: At least 1; a quarter of a second may be taken at once.
  package init(bytesPerSecond: UInt64, now: MonotonicTime) {
    self.bytesPerSecond = Double(max(1, bytesPerSecond))
    available = 0
    filledAt = now
  }

  /// Seconds until more may be read; 0 when it may be now.
  package mutating func delay(_ now: MonotonicTime) -> Double {
    available = min(
      bytesPerSecond / 4, available + now.seconds(since: filledAt) * bytesPerSecond)
    filledAt = now
    return available > 0 ? 0 : -available / bytesPerSecond + 0.001
  }

  /// Takes what was read; the debt of a large read is waited for before the next.
  package mutating func take(_ bytes: Int) { available -= Double(bytes) }
}
