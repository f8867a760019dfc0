internal import Glibc
internal import Pump
internal import Synchronization
internal import System

/// One line on a terminal: progress, rate and remaining time.
struct ProgressBar {
  private let started: MonotonicTime
  private var isDrawn = false

  init(started: MonotonicTime) { self.started = started }

  /// Draws over the previous drawing.
  mutating func draw(_ progress: LaneProgress, now: MonotonicTime) {
    let total = progress.totalBytes.load(ordering: .relaxed)
    guard total > 0 else { return }
    let passed = min(total, progress.passedBytes.load(ordering: .relaxed))
    let read = progress.readBytes.load(ordering: .relaxed)
    let seconds = now.seconds(since: started)
    let share = Double(passed) / Double(total)
    let rate = seconds > 0 ? Double(read) / seconds : 0
    // A few columns stay free: what the terminal echoes of Ctrl-C must not begin another line.
    let columns = terminalColumns() - 4
    let parts = [
      "\(percent(share))", "  \(formatBytes(passed)) of \(formatBytes(total))",
      "  \(formatBytes(UInt64(rate)))/s", "  \(remaining(share, seconds))",
    ]
    put("\r" + Self.line(parts, share: share, columns: columns) + "\u{1B}[K")
  }

  /// As many of the parts as there are columns for, and a bar in front if it has a room of ten.
  static func line(_ parts: [String], share: Double, columns: Int) -> String {
    var text = ""
    for part in parts {
      guard text.count + part.count <= columns else { break }
      text += part
    }
    return bar(share, width: columns - text.count - 3) + text
  }

  /// Clears the bar.
  mutating func clear() {
    if isDrawn { put("\r\u{1B}[K") }
    isDrawn = false
  }

  private static func bar(_ share: Double, width: Int) -> String {
    guard width >= 8 else { return "" }
    let full = Int((Double(width) * share).rounded(.down))
    return "[" + String(repeating: "=", count: full)
      + String(repeating: " ", count: width - full) + "] "
  }

  private func percent(_ share: Double) -> String {
    let number = String(Int(share * 100))
    return String(repeating: " ", count: 3 - number.count) + number + "%"
  }

  private func remaining(_ share: Double, _ seconds: Double) -> String {
    guard share > 0.01, seconds > 1 else { return "ETA --:--" }
    return "ETA " + formatSeconds(seconds / share - seconds)
  }

  private mutating func put(_ text: String) {
    isDrawn = true
    var copy = text
    copy.withUTF8 { unsafe _ = Glibc.write(2, $0.baseAddress, $0.count) }
  }
}

/// `1.5 GiB`, `512 B`.
func formatBytes(_ bytes: UInt64) -> String {
  let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
  var value = Double(bytes)
  var unit = 0
  while value >= 1024 && unit < units.count - 1 {
    value /= 1024
    unit += 1
  }
  return unit == 0 ? "\(bytes) B" : "\(formatTenths(value)) \(units[unit])"
}

/// `1:05`, `2:03:04`.
func formatSeconds(_ seconds: Double) -> String {
  let whole = Int(max(0, seconds).rounded())
  func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
  let minutes = whole / 60 % 60
  let tail = two(whole % 60)
  return whole >= 3600 ? "\(whole / 3600):\(two(minutes)):\(tail)" : "\(minutes):\(tail)"
}

/// A number with one digit after the point.
func formatTenths(_ value: Double) -> String {
  let tenths = Int((value * 10).rounded())
  return "\(tenths / 10).\(tenths % 10)"
}
