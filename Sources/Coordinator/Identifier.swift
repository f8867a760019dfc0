internal import Glibc

/// A new job's id: 128 random bits of the kernel's in hexadecimal.
func makeJobIdentifier() -> String {
  var random = SystemRandomNumberGenerator()
  let bytes = (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
  return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// The present in UTC, as RFC 3339 writes it: `2026-01-31T20:00:00Z`.
func makeTimestamp() -> String { makeTimestamp(seconds: Double(time(nil))) }

/// An instant in UTC, as RFC 3339 writes it, in seconds.
///
/// - Parameter seconds: Since 1970.
func makeTimestamp(seconds: Double) -> String {
  let parts = unsafe brokenDown(seconds)
  let day = unsafe "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
  return unsafe "\(day)T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
}

/// An instant in local time, as Proxmox writes it into file names: `2026_01_31-21_00_00`.
///
/// - Parameter timestamp: As ``makeTimestamp(seconds:)`` writes it.
func makeNameOfTime(_ timestamp: String) -> String {
  let numbers = timestamp.split { !$0.isNumber }.map { Int32($0) ?? 0 }
  guard numbers.count == 6 else { return "" }
  var parts = unsafe tm()
  unsafe (parts.tm_year, parts.tm_mon, parts.tm_mday) = (
    numbers[0] - 1900, numbers[1] - 1, numbers[2]
  )
  unsafe (parts.tm_hour, parts.tm_min, parts.tm_sec) = (numbers[3], numbers[4], numbers[5])
  var seconds = unsafe timegm(&parts)
  tzset()
  unsafe _ = localtime_r(&seconds, &parts)
  let day = unsafe "\(parts.tm_year + 1900)_\(two(parts.tm_mon + 1))_\(two(parts.tm_mday))"
  return unsafe "\(day)-\(two(parts.tm_hour))_\(two(parts.tm_min))_\(two(parts.tm_sec))"
}

/// The time of day of an instant, in UTC and to the millisecond: `14:03:11.123`.
func makeTimeOfDay(seconds: Double) -> String {
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
