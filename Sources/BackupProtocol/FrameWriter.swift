/// Builds frames into a buffer that somebody else writes; numbers them. Does no I/O itself.
///
/// The buffer keeps its capacity, so that data frames allocate nothing once it has grown.
public struct FrameWriter: ~Copyable {
  /// Bytes not yet taken by the one who writes them; begins with the preamble.
  public private(set) var pending: [UInt8]
  private var taken = 0
  private var nextSequence: UInt32

  /// - Parameter firstSequence: Not 0 only to test what comes after 2^32-1.
  public init(firstSequence: UInt32 = 0) {
    nextSequence = firstSequence
    pending = Limits.preamble
    pending.reserveCapacity(64 << 10)
  }

  /// Bytes that wait to be written.
  public var pendingCount: Int { pending.count - taken }

  /// Number the next frame will bear.
  public var sequence: UInt32 { nextSequence }

  /// Shows the bytes that wait, and forgets as many as `body` says it wrote.
  @discardableResult
  public mutating func drain<Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Int
  ) throws(Failure) -> Int {
    let from = taken
    let count = try unsafe pending.withUnsafeBufferPointer {
      (buffer: UnsafeBufferPointer<UInt8>) throws(Failure) -> Int in
      try unsafe body(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: buffer[from...])))
    }
    taken += count
    if taken == pending.count {
      pending.removeAll(keepingCapacity: true)
      taken = 0
    }
    return count
  }

  /// Appends a frame whose payload `body` appends; returns its number.
  ///
  /// - Parameter following: Bytes of the payload that do not go through this buffer: inline data,
  ///   which the caller writes right after it.
  @discardableResult
  public mutating func append(
    _ type: FrameType, flags: UInt16 = 0, stream: UInt32 = 0, following: Int = 0,
    _ body: (inout [UInt8]) -> Void
  ) -> UInt32 {
    let sequence = nextSequence
    nextSequence &+= 1
    let start = pending.count
    FrameHeader(length: 0, type: type, flags: flags, stream: stream, sequence: sequence)
      .append(to: &pending)
    body(&pending)
    let length = UInt32(pending.count - start - FrameHeader.byteCount + following)
    for place in 0..<4 { pending[start + place] = UInt8(truncatingIfNeeded: length >> (8 * place)) }
    return sequence
  }
}
