/// A run of a stream whose bytes are of one kind.
public struct Extent: Equatable, Sendable {
  /// What a run holds; the numbers are those of EXTENTS (protocol.md §4.14).
  public enum Kind: UInt32, Sendable {
    /// Anything; must be read.
    case data = 0
    /// Allocated or recorded, and known to read as zeros.
    case zero
    /// Never allocated; reads as zeros.
    case hole
    /// As in the parent backup (incremental jobs only).
    case unchanged
  }

  /// Bytes from the start of the stream, a multiple of 64 KiB.
  public var offset: UInt64
  /// Bytes, more than 0; a multiple of 64 KiB except at the end of the stream.
  public var length: UInt64
  /// What they are.
  public var kind: Kind

  /// Makes an extent of its parts.
  public init(offset: UInt64, length: UInt64, kind: Kind) {
    self.offset = offset
    self.length = length
    self.kind = kind
  }

  /// Where the run ends.
  public var end: UInt64 { offset + length }
}

extension [Extent] {
  /// Appends a run from the end of the last one; runs of one kind become one.
  ///
  /// - Parameter end: If it is not beyond the end of the last one, there is nothing to append.
  public mutating func append(upTo end: UInt64, _ kind: Extent.Kind) {
    let start = last?.end ?? 0
    guard end > start else { return }
    if last?.kind == kind {
      self[count - 1].length += end - start
    } else {
      append(Extent(offset: start, length: end - start, kind: kind))
    }
  }
}
