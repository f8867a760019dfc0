internal import ArgumentParser
internal import BackupProtocol
internal import JSON
internal import JobSupport
internal import PluginHost
internal import System

/// `sluice plugin dump`
struct PluginDump: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dump", abstract: "Show a recording in words",
    usage: "sluice plugin dump [<options>] <file>",
    discussion: """
      Shows each frame on a line, with the section of protocol.md that explains it. Exit status: \
      65 if the file is damaged or no recording.
      """)

  @Argument(help: "Recording, as 'sluice plugin record' makes it")
  var file: String

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let printer = EventPrinter(common)
    let file = file
    try await perform(printer) { stop throws(JobError) in
      do throws(RecordingError) { try Self.dump(file, printer, stop) } catch {
        throw error.told(of: file)
      }
    }
  }

  private static func dump(
    _ path: String, _ printer: EventPrinter, _ stop: StopSignal
  ) throws(RecordingError) {
    var reader = try RecordingReader.open(path)
    for remark in reader.remarks { printer.say("# \(remark)") }
    var plugins: [Int: String] = [:]
    while !stop.isRequested, let line = try reader.next() {
      if case .begins(let plugin) = line.event { plugins[line.session] = sanitised(plugin.utf8) }
      let plugin = plugins[line.session] ?? "?"
      printer.say(line.json(plugin))
      printer.say("\(line.time) \(line.session) \(plugin) \(line.event.words)")
    }
  }
}

extension RecordingError {
  /// What it means for who wanted to see a recording.
  func told(of path: String) -> JobError {
    switch self {
    case .system(let error): JobError(error, cannot: "read \(path)")
    case .notARecording: JobError(.badData, "\(path) is no recording of 'sluice plugin record'")
    case .malformed(let line): JobError(.badData, "\(path) is damaged: line \(line) is malformed")
    case .cutOff(let line):
      JobError(.badData, "\(path) is incomplete: it ends in the middle of line \(line)")
    }
  }
}

extension RecordingLine {
  fileprivate func json(_ plugin: String) -> JSONValue {
    [
      "schema": 1, "event": "frame", "seconds": .real(Double(microseconds) / 1_000_000),
      "session": JSONValue(session), "plugin": .string(plugin), "text": .string(event.words),
    ]
  }
}

extension RecordingLine.Event {
  /// The event for people.
  fileprivate var words: String {
    switch self {
    case .begins: "begins"
    case .process(let words): "-- \(sanitised(words.utf8))"
    case .frame(let direction, let bytes): "\(direction.rawValue) \(bytes.frameWords)"
    case .slot(let slot, let bytes): "   slot \(slot): \(bytes.contentWords)"
    case .unreadable(let direction, let bytes):
      "\(direction.rawValue) cannot be understood: \(bytes.contentWords)"
    }
  }
}

extension RecordedBytes {
  /// How many bytes, and whether they are those that were recorded.
  fileprivate var contentWords: String {
    let digits = String(checksum, radix: 16)
    let sum = String(repeating: "0", count: 8 - digits.count) + digits
    let state = leftOut > 0 ? ", left out" : isDamaged ? ", changed since" : ""
    return "\(bytes.count + leftOut) bytes, CRC32C \(sum)\(state)"
  }

  /// The frame, as a trace tells it.
  fileprivate var frameWords: String {
    if isDamaged { return "a frame that was changed since: \(contentWords)" }
    do throws(WireError) {
      guard bytes.count >= FrameHeader.byteCount else { return "no frame: \(contentWords)" }
      let header = try unsafe FrameHeader(
        parsing: bytes.span.bytes, frameBytesMax: Limits.frameBytesMax)
      let payload = bytes.dropFirst(FrameHeader.byteCount) + repeatElement(0, count: leftOut)
      guard payload.count == header.length else { return "no frame: \(contentWords)" }
      return unsafe header.words(Array(payload).span.bytes) + (leftOut > 0 ? ", left out" : "")
    } catch { return "no frame: \(error)" }
  }
}
