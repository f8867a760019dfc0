/// How fast QEMU's jobs may go, so that no more than so much data a second goes into a spool.
///
/// QEMU counts holes like data (`block/block-copy.c`): a job with a limit for data alone would take
/// an hour for a TiB of nothing. So jobs are let go faster as long as the spool hardly grows, and
/// slower at once where it does.
package struct SpoolPace: Sendable {
  /// Bytes a second of all jobs; what QEMU passes over where there is nothing.
  private static let fastest: Int64 = 1 << 40

  /// Bytes of data a second, of all jobs.
  package let limit: Int64
  /// What the jobs may do now.
  package private(set) var speed: Int64

  package init(limit: Int64) {
    self.limit = limit
    speed = limit
  }

  /// Takes a look at what has come.
  ///
  /// - Parameters:
  ///   - grown: Bytes by which the spool has grown.
  ///   - seconds: Since the look before.
  /// - Returns: Whether the speed has changed.
  package mutating func look(grown: Int64, seconds: Double) -> Bool {
    guard seconds > 0 else { return false }
    let before = speed
    let rate = Double(grown) / seconds
    if rate > Double(limit) * 1.1 {
      speed = limit
    } else if rate < Double(limit) / 2 {
      speed = min(speed * 2, max(limit, Self.fastest))
    }
    return speed != before
  }
}
