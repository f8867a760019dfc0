/// What a recording tells of one moment, on a line of its own. Specified in docs/recordings.md.
public struct RecordingLine: Equatable, Sendable {
  /// The first line of every recording.
  public static let head = "sluice-recording 1"

  /// Who said something.
  public enum Direction: String, Sendable {
    /// The host, to the plugin.
    case toPlugin = "->"
    /// The plugin, to the host.
    case toHost = "<-"
  }

  /// What happened.
  public enum Event: Equatable, Sendable {
    /// A plugin was started; how the user named it.
    case begins(String)
    /// A frame passed, header and payload.
    case frame(Direction, RecordedBytes)
    /// What a slot held when the DATA before it passed.
    case slot(Int, RecordedBytes)
    /// Bytes that are no frame, and where to look that up.
    case unreadable(Direction, RecordedBytes)
    /// Something about the process, its end last.
    case process(String)
  }

  /// Microseconds since the recording began.
  public var microseconds: UInt64
  /// The plugin it is about, from 1.
  public var session: Int
  /// What happened.
  public var event: Event

  /// Makes one of its parts.
  public init(microseconds: UInt64, session: Int, event: Event) {
    self.microseconds = microseconds
    self.session = session
    self.event = event
  }

  /// Seconds, with six digits behind the point.
  public var time: String {
    let fraction = String(microseconds % 1_000_000 + 1_000_000).dropFirst()
    return "\(microseconds / 1_000_000).\(fraction)"
  }

  /// The line, without its end.
  ///
  /// - Parameter comment: For people, behind bytes, on one line; no program reads it.
  public func text(comment: String = "") -> [UInt8] {
    var text = Array("\(time) \(session) \(event.word) ".utf8)
    switch event {
    case .begins(let words), .process(let words): text += words.utf8
    case .frame(_, let bytes), .unreadable(_, let bytes): text += bytes.text
    case .slot(let slot, let bytes): text += Array("\(slot) ".utf8) + bytes.text
    }
    return comment.isEmpty ? text : text + " ; \(comment)".utf8
  }
}

extension RecordingLine.Event {
  fileprivate var word: String {
    switch self {
    case .begins: "begins"
    case .process: "process"
    case .slot: "slot"
    case .frame(let direction, _): direction.rawValue
    case .unreadable(let direction, _): direction.rawValue + "?"
    }
  }
}

// MARK: - Reading

extension RecordingLine {
  /// Reads a line.
  ///
  /// - Returns: `nil` for what no recording has.
  public init?(parsing line: ArraySlice<UInt8>) {
    let parts = line.split(separator: 0x20, maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count == 4, let time = Self.microseconds(parts[0]),
      let session = decimal(parts[1]), session > 0,
      let event = Event(String(decoding: parts[2], as: UTF8.self), parts[3])
    else { return nil }
    self.init(microseconds: time, session: session, event: event)
  }

  private static func microseconds(_ text: ArraySlice<UInt8>) -> UInt64? {
    let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 2, parts[1].count == 6, let seconds = decimal(parts[0]),
      let fraction = decimal(parts[1])
    else { return nil }
    return UInt64(seconds) * 1_000_000 + UInt64(fraction)
  }
}

extension RecordingLine.Event {
  fileprivate init?(_ word: String, _ rest: ArraySlice<UInt8>) {
    switch word {
    case "begins": self = .begins(String(decoding: rest, as: UTF8.self))
    case "process": self = .process(String(decoding: rest, as: UTF8.self))
    case "slot":
      let words = Self.words(rest)
      guard let first = words.first, let slot = decimal(first),
        let bytes = RecordedBytes(parsing: words.dropFirst())
      else { return nil }
      self = .slot(slot, bytes)
    default: self.init(direction: word, Self.words(rest))
    }
  }

  private init?(direction word: String, _ words: [ArraySlice<UInt8>]) {
    let isFrame = !word.hasSuffix("?")
    guard let bytes = RecordedBytes(parsing: words),
      let direction = RecordingLine.Direction(rawValue: isFrame ? word : String(word.dropLast()))
    else { return nil }
    self = isFrame ? .frame(direction, bytes) : .unreadable(direction, bytes)
  }

  /// The words before a comment.
  private static func words(_ text: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    text.split(separator: 0x20, omittingEmptySubsequences: false)
      .prefix { !$0.elementsEqual(";".utf8) }.map { $0 }
  }
}
