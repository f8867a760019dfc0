package import BackupProtocol
internal import Glibc

/// A new job's id: 128 random bits of the kernel's in hexadecimal.
package func makeJobIdentifier() -> String {
  var random = SystemRandomNumberGenerator()
  let bytes = (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
  return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// The present.
package func makeTimestamp() -> Timestamp { makeTimestamp(seconds: Double(time(nil))) }

/// The present for events: RFC 3339 in UTC, to the millisecond.
package func makeTimeOfEvent() -> String {
  var now = timespec()
  unsafe _ = clock_gettime(CLOCK_REALTIME, &now)
  let seconds = Double(now.tv_sec) + Double(now.tv_nsec / 1_000_000) / 1000
  let day = makeTimestamp(seconds: seconds).text.prefix { $0 != "T" }
  return "\(day)T\(makeTimeOfDay(seconds: seconds))Z"
}

/// An instant of a clock, in whole seconds.
///
/// - Parameter seconds: Since 1970.
package func makeTimestamp(seconds: Double) -> Timestamp {
  Timestamp(secondsSince1970: Int64(seconds.rounded(.down))) ?? .epoch
}

/// An instant in local time, as Proxmox writes it into file names: `2026_01_31-21_00_00`.
package func makeNameOfTime(_ timestamp: Timestamp) -> String {
  var seconds = time_t(timestamp.secondsSince1970)
  var parts = unsafe tm()
  tzset()
  unsafe _ = localtime_r(&seconds, &parts)
  let day = unsafe "\(parts.tm_year + 1900)_\(two(parts.tm_mon + 1))_\(two(parts.tm_mday))"
  return unsafe "\(day)-\(two(parts.tm_hour))_\(two(parts.tm_min))_\(two(parts.tm_sec))"
}

/// The time of day of an instant, in UTC and to the millisecond: `14:03:11.123`.
package func makeTimeOfDay(seconds: Double) -> String {
  let parts = unsafe brokenDown(seconds)
  let milliseconds = Int32(clamping: Int64((seconds - seconds.rounded(.down)) * 1000))
  let clock = unsafe "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
  return clock + "." + (milliseconds < 100 ? "0" : "") + two(milliseconds)
}

private func brokenDown(_ seconds: Double) -> tm {
  var whole = time_t(seconds.rounded(.down))
  var parts = unsafe tm()
  unsafe _ = gmtime_r(&whole, &parts)
  return unsafe parts
}

private func two(_ number: Int32) -> String { (number < 10 ? "0" : "") + String(number) }
