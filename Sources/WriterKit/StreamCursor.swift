/// How far a stream is; refuses what does not follow. Specified in protocol.md §6.2.
struct StreamCursor {
  let stream: StreamDescription
  /// Bytes that have come.
  private(set) var position: UInt64 = 0

  init(_ stream: StreamDescription) { self.stream = stream }

  /// Takes a range that must begin where the last one ended and stay inside the stream.
  mutating func advance(
    _ type: FrameType, offset: UInt64, length: UInt64
  ) throws(WireError) -> Range<UInt64> {
    guard offset == position else { throw .field(type, field: "offset", value: offset) }
    let most = stream.size ?? Limits.streamBytesMax
    guard length <= most - position else { throw .field(type, field: "length", value: length) }
    let end = offset + length
    // Only the last piece is short; where the size is unknown, nothing can follow a short piece.
    guard length % Limits.clusterBytes == 0 || stream.size == nil || end == stream.size else {
      throw .field(type, field: "length", value: length)
    }
    position = end
    return offset..<end
  }

  /// Checks that the stream is whole.
  func close(_ frame: CloseFrame) throws(WireError) {
    guard frame.logicalLength == position, stream.size == nil || stream.size == position else {
      throw .field(.close, field: "logical_length", value: frame.logicalLength)
    }
  }
}
