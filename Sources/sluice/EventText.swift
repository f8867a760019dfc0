internal import BackupProtocol
internal import JSON
internal import JobSupport
internal import PluginHost
internal import Pump
internal import Requests
internal import Synchronization

extension JobEvent {
  /// The text of an event for people, and whether it goes to standard error; `nil` for none.
  func line(isQuiet: Bool) -> (text: String, isError: Bool)? {
    switch self {
    case .warning(let text, let remedy):
      isQuiet ? nil : ("sluice: warning: \(Self.warning(text, remedy))", true)
    case .outputFailed(let label, let error):
      (
        error.lines.map { "sluice: \(label): \($0)" }.joined(separator: "\n"), true
      )
    case .began, .named, .planned, .started: nil
    case .said(let line): (line.words, true)
    case .captured(let disk, let method, let reason, let bytes):
      isQuiet ? nil : (Self.captured(disk, method, reason, bytes), false)
    case .damaged(let stream, let piece, let reason):
      ("sluice: \(stream): \(Self.place(piece)): \(reason)", true)
    case .incomplete(let label, let path):
      isQuiet ? nil : ("\(label): \(path) is incomplete", false)
    case .guest(let step): isQuiet ? nil : (step.text, false)
    case .published(let label, let path, let storedBytes, let receipt):
      isQuiet
        ? nil : (Self.published(label, OutputPlace(literal: path), storedBytes, receipt), false)
    case .finished(let report): isQuiet ? nil : (report.text, false)
    }
  }
}

extension JobEvent {
  /// A warning with what to do about it.
  static func warning(_ text: String, _ remedy: Remedy?) -> String {
    remedy.map { "\(text); \($0.words)" } ?? text
  }

  private static func captured(
    _ disk: String, _ method: ChangeMethod, _ reason: String, _ bytes: UInt64
  ) -> String {
    let how =
      switch method {
      case .full: "stored in full"
      case .bitmap: "\(formatBytes(bytes)) changed, by bitmap"
      case .compare: "\(formatBytes(bytes)) changed, by comparison"
      }
    return "\(disk): \(how): \(reason)"
  }

  private static func place(_ piece: StreamDamage.Piece?) -> String {
    guard let piece else { return "damaged, it is not known where" }
    return "\(formatBytes(piece.length)) at byte \(piece.offset) cannot be read"
  }

  private static func published(
    _ label: String, _ place: OutputPlace, _ storedBytes: UInt64?, _ receipt: String?
  ) -> String {
    let size = storedBytes.map { ", \(formatBytes($0))" } ?? ""
    let kept = receipt.map { "receipt saved as \($0)" } ?? "no receipt saved"
    return switch place {
    case .path(let path): "\(label): \(path.text) is complete\(size)"
    case .standardOutput: "\(label): archive on standard output is complete\(size); \(kept)"
    case .command(let command):
      "\(label): archive for |\(command) is complete\(size); \(kept)"
    }
  }
}

extension JobReport {
  /// One line for each stream, then a summary.
  var text: String {
    let width = streams.map(\.name.count).max() ?? 0
    var lines: [String] = []
    for stream in streams {
      lines.append(line(stream, nameWidth: width))
      if let more = guestLine(stream, indent: width) { lines.append(more) }
    }
    if let guest { lines.append(guest.text) }
    let size = streams.reduce(0) { $0 + $1.size }
    let read = streams.reduce(0) { $0 + $1.readBytes }
    let rate = seconds > 0 ? UInt64(Double(read) / seconds) : 0
    lines.append(
      "\(doing): \(streams.count == 1 ? "1 stream" : "\(streams.count) streams") of "
        + "\(formatBytes(size)), \(formatBytes(read)) read in \(formatTenths(seconds)) s, "
        + "\(formatBytes(rate))/s")
    return lines.joined(separator: "\n")
  }

  private func line(_ stream: StreamSummary, nameWidth: Int) -> String {
    stream.name + String(repeating: " ", count: nameWidth - stream.name.count)
      + "  \(formatBytes(stream.size)), \(formatBytes(stream.dataBytes)) of data"
      + (stream.digest.algorithm == .none
        ? "" : ", \(stream.digest.algorithm.name) \(stream.digest.hexadecimal.prefix(16))…")
  }

  /// What a live backup has read of a disk, and what was fleecing data.
  private func guestLine(_ stream: StreamSummary, indent: Int) -> String? {
    guard let fleeced = guest?.fleecedBytes[stream.name],
      let disk = disks.first(where: { $0.name == stream.name })
    else { return nil }
    let rate = stream.seconds > 0 ? UInt64(Double(stream.readBytes) / stream.seconds) : 0
    let read = "\(formatBytes(stream.readBytes)) read in \(formatTenths(stream.seconds)) s"
    return String(repeating: " ", count: indent)
      + "  \(formatBytes(disk.allocatedBytes)) allocated, \(read) (\(formatBytes(rate))/s), "
      + "\(formatBytes(fleeced)) fleeced"
  }
}

extension GuestReport {
  /// One line for people.
  var text: String {
    let seconds = stallSeconds + (vmState?.pauseSeconds ?? 0)
    let paused =
      seconds > 0 ? "paused for \(Int((seconds * 1000).rounded())) ms" : "never paused"
    let frozen = frozenSeconds.map { ", file systems frozen for \(Int($0 * 1000)) ms" } ?? ""
    return "guest: \(paused)\(frozen)"
  }
}

extension LaneProgress {
  /// The progress for tools.
  var json: JSONValue {
    [
      "schema": 1, "event": "progress",
      "passed": JSONValue(passedBytes.load(ordering: .relaxed)),
      "read": JSONValue(readBytes.load(ordering: .relaxed)),
      "total": JSONValue(totalBytes.load(ordering: .relaxed)),
    ]
  }
}
