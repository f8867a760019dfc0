internal import CCrypto
internal import Glibc

/// A new job's id: 128 random bits in hexadecimal.
func makeJobIdentifier() -> String {
  var bytes = [UInt8](repeating: 0, count: 16)
  unsafe _ = RAND_bytes(&bytes, 16)
  return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// The present in UTC, as RFC 3339 writes it: `2026-01-31T20:00:00Z`.
func makeTimestamp() -> String {
  var now = time(nil)
  var parts = unsafe tm()
  unsafe _ = gmtime_r(&now, &parts)
  func two(_ number: Int32) -> String { (number < 10 ? "0" : "") + String(number) }
  let day = unsafe "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
  let hour = unsafe "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
  return "\(day)T\(hour)Z"
}
