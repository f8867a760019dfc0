/// DAMAGED: a range of a stream that the archive has lost; its bytes count as zeros. In read mode,
/// and only if JOB asks for it. Specified in protocol.md §4.15.
public struct DamagedFrame: Equatable, Sendable {
  private static let fixedBytes = 24

  /// Bytes; a multiple of 64 KiB.
  public var offset: UInt64
  /// Bytes, at least 1; a multiple of 64 KiB except at the end of the stream.
  public var length: UInt64
  /// The number of the READ this answers.
  public var request: UInt32
  /// What is wrong, for people.
  public var reason: String

  /// Makes a value of its parts.
  public init(offset: UInt64, length: UInt64, request: UInt32, reason: String) {
    self.offset = offset
    self.length = length
    self.request = request
    self.reason = reason
  }

  /// Reads the payload and checks every field.
  public init(parsing payload: RawSpan) throws(WireError) {
    let textBytes = payload.byteCount - Self.fixedBytes
    guard textBytes >= 0, textBytes <= Limits.logBytesMax else {
      throw .length(.damaged, length: payload.byteCount)
    }
    offset = payload.load(0, as: UInt64.self)
    length = payload.load(8, as: UInt64.self)
    request = payload.load(16, as: UInt32.self)
    guard payload.load(20, as: UInt32.self) == 0 else {
      throw .reserved(.damaged, field: "reserved")
    }
    guard offset % Cluster.bytes == 0, offset <= Limits.streamBytesMax else {
      throw .field(.damaged, field: "offset", value: offset)
    }
    guard length >= 1, length <= Limits.streamBytesMax - offset else {
      throw .field(.damaged, field: "length", value: length)
    }
    reason = String(decoding: payload.bytes(from: Self.fixedBytes), as: UTF8.self)
  }
}

extension FrameWriter {
  /// Appends DAMAGED and returns its number; a reason that is too long is cut.
  @discardableResult
  public mutating func append(_ frame: DamagedFrame, stream: UInt32) -> UInt32 {
    append(.damaged, stream: stream) { bytes in
      bytes.appendLittleEndian(frame.offset)
      bytes.appendLittleEndian(frame.length)
      bytes.appendLittleEndian(frame.request)
      bytes.appendLittleEndian(UInt32(0))
      bytes += frame.reason.utf8.prefix(Limits.logBytesMax)
    }
  }
}
