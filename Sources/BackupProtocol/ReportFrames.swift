internal import JSON

/// ERROR: a failure, told to the other side. protocol.md §15.
public struct ErrorFrame: Equatable, Sendable {
  /// Why it failed, for programs.
  public var code: ErrorCode
  /// The sender cannot go on. Exactly one of this and ``isStreamOnly`` is true.
  public var isFatal: Bool
  /// Only a READ of the stream in the header is lost (read mode).
  public var isStreamOnly: Bool
  /// Number of the frame this answers, 0 if none.
  public var answers: UInt32
  /// For people: lower case, cause then remedy.
  public var message: String
  /// The name of an errno ("ENOSPC"), or nothing.
  public var errnoName: String?
  /// More for people who look for the cause, or nothing.
  public var detail: String?

  /// Makes one of its fields.
  public init(
    code: ErrorCode, isFatal: Bool = true, isStreamOnly: Bool = false, answers: UInt32 = 0,
    message: String, errnoName: String? = nil, detail: String? = nil
  ) {
    self.code = code
    self.isFatal = isFatal
    self.isStreamOnly = isStreamOnly
    self.answers = answers
    self.message = message
    self.errnoName = errnoName
    self.detail = detail
  }

  /// Reads the payload and checks every field.
  public init(parsing payload: RawSpan) throws(WireError) {
    guard payload.byteCount >= 16, payload.byteCount <= Int(Limits.controlBytesMax) else {
      throw .length(.error, length: payload.byteCount)
    }
    code = ErrorCode(rawValue: payload.load(0, as: UInt32.self))
    guard code != .none else { throw .field(.error, field: "code", value: 0) }
    let flags = payload.load(4, as: UInt32.self)
    guard flags & ~3 == 0 else { throw .reserved(.error, field: "flags") }
    guard flags == 1 || flags == 2 else {
      throw .field(.error, field: "flags", value: UInt64(flags))
    }
    isFatal = flags & 1 != 0
    isStreamOnly = flags & 2 != 0
    answers = payload.load(8, as: UInt32.self)
    guard payload.load(12, as: UInt32.self) == 0 else { throw .reserved(.error, field: "reserved") }
    let members = try ControlFrame.members(.error, payload.bytes(from: 16))
    message = try members.string("message")
    errnoName = try members.optionalString("errno")
    // Nothing depends on it: what is no text is as if it were not there.
    detail = try? members.optionalString("detail")
  }
}

/// BUSY: the plugin needs longer for what it owes. protocol.md §13.1.
public struct BusyFrame: Equatable, Sendable {
  /// How long it will take.
  public var expectedMilliseconds: UInt32
  /// What takes so long, for people.
  public var reason: String

  /// Makes one of its fields.
  public init(expectedMilliseconds: UInt32, reason: String) {
    self.expectedMilliseconds = expectedMilliseconds
    self.reason = reason
  }

  /// Reads the payload and checks every field.
  public init(parsing payload: RawSpan) throws(WireError) {
    guard payload.byteCount >= 8, payload.byteCount <= 8 + Limits.logBytesMax else {
      throw .length(.busy, length: payload.byteCount)
    }
    expectedMilliseconds = payload.load(0, as: UInt32.self)
    guard expectedMilliseconds <= Limits.busyMillisecondsMax else {
      throw .field(.busy, field: "expected_ms", value: UInt64(expectedMilliseconds))
    }
    guard payload.load(4, as: UInt32.self) == 0 else { throw .reserved(.busy, field: "reserved") }
    reason = String(decoding: payload.bytes(from: 8), as: UTF8.self)
  }
}

/// LOG: a line for people.
public struct LogFrame: Equatable, Sendable {
  /// How much a line matters.
  public enum Level: UInt8, Sendable { case debug = 0, info, notice, warning, error }
  /// How much it matters.
  public var level: Level
  /// The line, for people.
  public var text: String

  /// Makes one of its fields.
  public init(level: Level, text: String) {
    self.level = level
    self.text = text
  }

  /// Reads the payload and checks every field.
  public init(parsing payload: RawSpan) throws(WireError) {
    guard payload.byteCount >= 4, payload.byteCount <= 4 + Limits.logBytesMax else {
      throw .length(.log, length: payload.byteCount)
    }
    let code = payload.load(0, as: UInt8.self)
    guard let level = Level(rawValue: code) else {
      throw .field(.log, field: "level", value: UInt64(code))
    }
    self.level = level
    guard payload.load(0, as: UInt32.self) >> 8 == 0 else {
      throw .reserved(.log, field: "reserved")
    }
    text = String(decoding: payload.bytes(from: 4), as: UTF8.self)
  }
}

/// PROGRESS: how far the plugin is.
public struct ProgressFrame: Equatable, Sendable {
  /// Bytes the archive has by now.
  public var storedBytes: UInt64
  /// Bytes of the streams that are in it.
  public var logicalBytes: UInt64
  /// Hundredths of a percent, or `nil` if unknown.
  public var percentHundredths: UInt32?

  /// Makes one of its fields.
  public init(storedBytes: UInt64, logicalBytes: UInt64, percentHundredths: UInt32? = nil) {
    self.storedBytes = storedBytes
    self.logicalBytes = logicalBytes
    self.percentHundredths = percentHundredths
  }

  /// Reads the payload and checks every field.
  public init(parsing payload: RawSpan) throws(WireError) {
    guard payload.byteCount == 24 else { throw .length(.progress, length: payload.byteCount) }
    storedBytes = payload.load(0, as: UInt64.self)
    logicalBytes = payload.load(8, as: UInt64.self)
    let percent = payload.load(16, as: UInt32.self)
    guard percent <= 10_000 || percent == .max else {
      throw .field(.progress, field: "percent_x100", value: UInt64(percent))
    }
    percentHundredths = percent == .max ? nil : percent
    guard payload.load(20, as: UInt32.self) == 0 else {
      throw .reserved(.progress, field: "reserved")
    }
  }
}

extension FrameWriter {
  /// Appends ERROR and returns its number.
  @discardableResult
  public mutating func append(_ frame: ErrorFrame, stream: UInt32 = 0) -> UInt32 {
    append(.error, stream: stream) { bytes in
      bytes.appendLittleEndian(frame.code.rawValue)
      bytes.appendLittleEndian(UInt32((frame.isFatal ? 1 : 0) | (frame.isStreamOnly ? 2 : 0)))
      bytes.appendLittleEndian(frame.answers)
      bytes.appendLittleEndian(UInt32(0))
      var members: JSONObject = ["message": .string(frame.message)]
      if let name = frame.errnoName { members["errno"] = .string(name) }
      if let detail = frame.detail { members["detail"] = .string(detail) }
      bytes += JSONValue.object(members).serialised()
    }
  }

  /// Appends BUSY and returns its number.
  @discardableResult
  public mutating func append(_ frame: BusyFrame) -> UInt32 {
    append(.busy) { bytes in
      bytes.appendLittleEndian(frame.expectedMilliseconds)
      bytes.appendLittleEndian(UInt32(0))
      bytes += frame.reason.utf8.prefix(Limits.logBytesMax)
    }
  }

  /// Appends LOG and returns its number.
  @discardableResult
  public mutating func append(_ frame: LogFrame) -> UInt32 {
    append(.log) { bytes in
      bytes += [frame.level.rawValue, 0, 0, 0]
      bytes += frame.text.utf8.prefix(Limits.logBytesMax)
    }
  }

  /// Appends PROGRESS and returns its number.
  @discardableResult
  public mutating func append(_ frame: ProgressFrame) -> UInt32 {
    append(.progress) { bytes in
      bytes.appendLittleEndian(frame.storedBytes)
      bytes.appendLittleEndian(frame.logicalBytes)
      bytes.appendLittleEndian(frame.percentHundredths ?? .max)
      bytes.appendLittleEndian(UInt32(0))
    }
  }
}
