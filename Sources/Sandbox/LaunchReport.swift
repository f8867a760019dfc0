internal import CLaunch
internal import CLinux
internal import Glibc
internal import System

extension SandboxEvent {
  /// Translates a report of the launcher; `nil` if it is none.
  init?(_ report: launch_report, wanted: SandboxLayers) {
    guard report.magic == UInt32(LAUNCH_MAGIC) else { return nil }
    switch Int(report.kind) {
    case LAUNCH_REPORT_STARTED:
      let layers = SandboxLayers(rawValue: report.layers)
      self = .started(layers: layers, missing: wanted.subtracting(layers).descriptions)
    case LAUNCH_REPORT_DENIED:
      let a = report.arguments
      let number = Int32(truncatingIfNeeded: report.number)
      self = .denied(
        call: systemCallName(number), number: Int(number),
        arguments: [a.0, a.1, a.2, a.3, a.4, a.5], path: report.pathText)
    case LAUNCH_REPORT_FAILED:
      self = .failed(step: Self.words(report.stepName), code: report.code)
    case LAUNCH_REPORT_EXITED:
      self = .exited(
        report.is_signal != 0 ? .signal(report.code) : .code(report.code),
        cpuSeconds: Double(report.cpu_nanoseconds) / 1e9,
        peakBytes: Int(clamping: report.peak_bytes))
    default: return nil
    }
  }
}

extension SandboxEvent {
  /// The name of a step, where a user can do something about it.
  private static func words(_ step: String) -> String {
    step == "required-layers"
      ? "its profile needs a layer of the sandbox that is missing here (see sluice doctor)" : step
  }
}

extension launch_report {
  /// The path of a denied call, fit for people; `nil` if none is known.
  fileprivate var pathText: String? {
    // Why: a C array is a tuple here. Safe because: the bytes are copied out at once.
    let bytes = unsafe withUnsafeBytes(of: path) { unsafe Array($0.prefix { $0 != 0 }) }
    guard !bytes.isEmpty else { return nil }
    return sanitised(nameText(bytes).utf8) + (bytes.count == LAUNCH_PATH_BYTES_MAX - 1 ? "…" : "")
  }

  fileprivate var stepName: String {
    // Why: a C array is a tuple here. Safe because: the bytes are copied out at once.
    let bytes = unsafe withUnsafeBytes(of: step) { unsafe Array($0.prefix { $0 != 0 }) }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// What can be read from the launcher's status pipe at this moment.
enum StatusRead {
  case report(launch_report)
  case nothingYet
  case end
}

/// Reads one report; each is smaller than PIPE_BUF and arrives whole.
func readReport(from descriptor: Int32) -> StatusRead {
  var report = launch_report()
  let size = MemoryLayout<launch_report>.size
  let count = unsafe withUnsafeMutableBytes(of: &report) {
    unsafe clinux_read(descriptor, $0.baseAddress!, size)
  }
  if count == size { return .report(report) }
  return count == -Int(EAGAIN) ? .nothingYet : .end
}
