/// How far a stream is: ranges follow each other without gap, stay inside the stream, and only the
/// last one ends inside a cluster. Specified in protocol.md §6.2.
public struct StreamCursor: Equatable, Sendable {
  /// Why a range may not come now.
  public enum Fault: Error, Equatable, Sendable {
    /// It does not begin where the last one ended.
    case gap
    /// It is empty, or goes beyond the end.
    case length
    /// It ends inside a cluster, and before the end.
    case cluster
  }

  /// Bytes that have come.
  public private(set) var position: UInt64
  /// Where the stream ends; `nil` if that is not known before.
  public let size: UInt64?

  /// Starts at a place of a stream.
  public init(at position: UInt64 = 0, size: UInt64?) {
    self.position = position
    self.size = size
  }

  /// Checks a range without taking it.
  public func check(offset: UInt64, length: UInt64) throws(Fault) -> Range<UInt64> {
    guard offset == position else { throw .gap }
    let most = size ?? Limits.streamBytesMax
    guard length >= 1, length <= most - position else { throw .length }
    // Where the size is unknown, nothing can follow a short piece.
    guard length % Cluster.bytes == 0 || size == nil || offset + length == size else {
      throw .cluster
    }
    return offset..<(offset + length)
  }

  /// Takes the next range.
  @discardableResult
  public mutating func advance(offset: UInt64, length: UInt64) throws(Fault) -> Range<UInt64> {
    let range = try check(offset: offset, length: length)
    position = range.upperBound
    return range
  }

  /// Takes the range of a frame.
  mutating func advance(
    _ type: FrameType, offset: UInt64, length: UInt64
  ) throws(WireError) -> Range<UInt64> {
    do throws(Fault) { return try advance(offset: offset, length: length) } catch {
      switch error {
      case .gap: throw .gap(type, offset: offset, expected: position)
      case .length:
        let (end, size) = (offset &+ length, size ?? Limits.streamBytesMax)
        throw .beyond(type, end: end, size: size)
      case .cluster: throw .cut(type, end: offset + length)
      }
    }
  }

  /// Checks that the stream is complete.
  func close(_ frame: CloseFrame) throws(WireError) {
    guard frame.logicalLength == position, size == nil || size == position else {
      throw .closed(length: frame.logicalLength, at: position, size: size)
    }
  }
}
