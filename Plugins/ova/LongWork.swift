import WriterKit

/// Says that work goes on, while nothing comes that the host could see.
final class LongWork {
  private let host: Host
  /// Bytes since the host last heard of us.
  private var bytes: UInt64 = 0

  init(_ host: Host) { self.host = host }

  func heed(_ count: UInt64, _ reason: String) {
    bytes += count
    guard bytes >= 1 << 30 else { return }
    bytes = 0
    host.busy(milliseconds: 60_000, reason)
  }
}
