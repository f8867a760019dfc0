internal import Glibc
internal import System

/// What /proc tells about a running process (proc(5)).
enum ProcessUsage {
  static func read(pid: Int32) -> (cpuSeconds: Double, peakBytes: Int)? {
    guard let ticks = ticks(pid), let peak = peakKibibytes(pid) else { return nil }
    return (Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK))), peak << 10)
  }

  /// utime + stime: fields 14 and 15; the name before them may contain anything but ends with `)`.
  private static func ticks(_ pid: Int32) -> Int? {
    guard let text = text("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else {
      return nil
    }
    let fields = text[end...].split(separator: " ")
    guard fields.count > 13, let user = Int(fields[12]), let system = Int(fields[13]) else {
      return nil
    }
    return user + system
  }

  private static func peakKibibytes(_ pid: Int32) -> Int? {
    let lines = text("/proc/\(pid)/status")?.split(separator: "\n") ?? []
    guard let line = lines.first(where: { $0.hasPrefix("VmHWM:") }) else { return nil }
    return line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) }
  }

  private static func text(_ path: String) -> String? {
    (try? readSmallFile(path, limit: 64 << 10)).map { String(decoding: $0, as: UTF8.self) }
  }
}
