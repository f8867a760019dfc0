/// The 16 bytes before every payload. Specified in protocol.md §3.2.
///
/// ```
/// 0        4        6        8        12       16
/// ┌────────┬────────┬────────┬────────┬────────┐
/// │ length │ type   │ flags  │ stream │ seq    │   little endian
/// └────────┴────────┴────────┴────────┴────────┘
/// ```
public struct FrameHeader: Equatable, Sendable {
  /// Bytes of a header.
  public static let byteCount = 16

  /// Bytes of the payload that follows.
  public var length: UInt32
  /// What the frame is.
  public var type: FrameType
  /// Bits defined by the type; all others are zero.
  public var flags: UInt16
  /// 0 for the session, else a stream id of the job.
  public var stream: UInt32
  /// Number of this frame in its direction, from 0, modulo 2^32.
  public var sequence: UInt32

  /// Makes one of its fields.
  public init(
    length: UInt32, type: FrameType, flags: UInt16 = 0, stream: UInt32 = 0, sequence: UInt32
  ) {
    self.length = length
    self.type = type
    self.flags = flags
    self.stream = stream
    self.sequence = sequence
  }

  /// EXTENTS: the last one of its stream.
  public static let lastExtentsFlag: UInt16 = 1

  /// Reads a header and checks what can be checked without a state.
  ///
  /// - Parameter span: At least 16 bytes.
  /// - Throws: `WireError` for a length, a stream or flags that no frame of this type may have.
  public init(parsing span: RawSpan, frameBytesMax: UInt32) throws(WireError) {
    self.init(
      length: span.load(0, as: UInt32.self),
      type: FrameType(rawValue: span.load(4, as: UInt16.self)),
      flags: span.load(6, as: UInt16.self),
      stream: span.load(8, as: UInt32.self),
      sequence: span.load(12, as: UInt32.self))
    try check(frameBytesMax)
  }

  private func check(_ frameBytesMax: UInt32) throws(WireError) {
    guard length <= min(type.payloadBytesMax, frameBytesMax) else {
      throw .oversized(type, length: length)
    }
    guard type.isKnown else {
      // A frame of the future may mean anything by its flags and stream.
      if type.isIgnorable { return }
      throw .unknownFrame(type.rawValue)
    }
    let flagsKnown = type == .extents ? Self.lastExtentsFlag : 0
    guard flags & ~flagsKnown == 0 else { throw .reserved(type, field: "flags") }
    guard stream <= Limits.streamsMax else {
      throw .field(type, field: "stream", value: UInt64(stream))
    }
    if type.needsStream && stream == 0 { throw .field(type, field: "stream", value: 0) }
    if type.forbidsStream && stream != 0 {
      throw .field(type, field: "stream", value: UInt64(stream))
    }
  }

  /// Appends the 16 bytes.
  public func append(to bytes: inout [UInt8]) {
    bytes.appendLittleEndian(length)
    bytes.appendLittleEndian(type.rawValue)
    bytes.appendLittleEndian(flags)
    bytes.appendLittleEndian(stream)
    bytes.appendLittleEndian(sequence)
  }
}

extension FrameType {
  /// Frames about one stream.
  var needsStream: Bool {
    switch self {
    case .open, .data, .zero, .close, .read, .extents, .readDone, .damaged: true
    default: false
    }
  }

  /// Frames about the whole session. ERROR and LOG may name a stream or not.
  var forbidsStream: Bool {
    switch self {
    case .release, .checkpoint, .checkpointAck, .busy, .progress: true
    default: rawValue <= 0x0008
    }
  }
}
