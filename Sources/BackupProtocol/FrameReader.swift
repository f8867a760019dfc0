/// Turns a stream of bytes into frames, however the bytes are cut; does no I/O itself.
///
/// Memory is taken once: the largest frame, its header and some room to read ahead. One thread
/// owns it. Specified in protocol.md §3.
public struct FrameReader: ~Copyable {
  private var storage: [UInt8]
  private var start = 0
  private var end = 0
  private var hasPreamble = false
  private var expectedSequence: UInt32
  private var current: FrameHeader?
  private let frameBytesMax: UInt32

  /// - Parameters:
  ///   - frameBytesMax: Payload bytes that are accepted, ``Limits/frameBytesMax`` at most.
  ///   - firstSequence: Number of the first frame; not 0 only to test what comes after 2^32-1.
  public init(frameBytesMax: UInt32 = Limits.frameBytesMax, firstSequence: UInt32 = 0) {
    self.frameBytesMax = frameBytesMax
    expectedSequence = firstSequence
    storage = [UInt8](
      repeating: 0, count: 2 * FrameHeader.byteCount + Int(frameBytesMax) + (64 << 10))
  }

  /// Lends the free space to `body`, which says how many bytes it put there.
  ///
  /// Call it only after ``next()`` has returned `nil`: then there is always room.
  @discardableResult
  public mutating func fill<Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
  ) throws(Failure) -> Int {
    skipCurrent()
    compact()
    let free = end..<storage.count
    let count = try unsafe storage.withUnsafeMutableBufferPointer {
      (buffer: inout UnsafeMutableBufferPointer<UInt8>) throws(Failure) -> Int in
      let room = unsafe UnsafeMutableBufferPointer(rebasing: buffer[free])
      return try unsafe body(UnsafeMutableRawBufferPointer(room))
    }
    precondition(count >= 0 && count <= free.count, "more bytes than there was room for")
    end += count
    return count
  }

  /// The next whole frame, whose payload ``withPayload(_:)`` shows until the next call.
  ///
  /// Unknown frames that may be skipped are returned too: the caller counts and skips them.
  /// - Returns: `nil` when more bytes are needed.
  /// - Throws: `WireError`; the reader is of no use afterwards.
  public mutating func next() throws(WireError) -> FrameHeader? {
    skipCurrent()
    if !hasPreamble {
      guard try takePreamble() else { return nil }
    }
    guard end - start >= FrameHeader.byteCount else { return nil }
    let limit = frameBytesMax
    let header = try unsafe FrameHeader(
      parsing: storage.span.bytes.extracting(start..<end), frameBytesMax: limit)
    guard header.sequence == expectedSequence else {
      throw .sequence(expected: expectedSequence, found: header.sequence)
    }
    guard end - start >= FrameHeader.byteCount + Int(header.length) else { return nil }
    expectedSequence &+= 1
    current = header
    return header
  }

  /// Shows the payload of the frame that ``next()`` returned last.
  public borrowing func withPayload<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let from = start + FrameHeader.byteCount
    let length = Int(current?.length ?? 0)
    return try unsafe body(storage.span.bytes.extracting(from..<(from + length)))
  }

  /// Shows all bytes that no frame has been made of, after ``next()`` has thrown.
  public borrowing func withRest(_ body: (RawSpan) -> Void) {
    unsafe body(storage.span.bytes.extracting(start..<end))
  }

  /// Whether nothing is half there: the input ends before the preamble or between two frames.
  public var isAtBoundary: Bool { end == start || (current != nil && end == frameEnd) }

  private var frameEnd: Int { start + FrameHeader.byteCount + Int(current?.length ?? 0) }

  private mutating func skipCurrent() {
    guard current != nil else { return }
    start = frameEnd
    current = nil
  }

  private mutating func compact() {
    guard start > 0 else { return }
    let from = start
    let count = end - start
    unsafe storage.withUnsafeMutableBytes { buffer in
      unsafe buffer.baseAddress?.copyMemory(from: buffer.baseAddress! + from, byteCount: count)
    }
    start = 0
    end = count
  }

  /// Compares as early as possible, so that text on the wire is named at its first byte.
  private mutating func takePreamble() throws(WireError) -> Bool {
    let seen = min(end - start, Limits.preamble.count)
    let found = Array(storage[start..<(start + seen)])
    guard found.elementsEqual(Limits.preamble.prefix(seen)) else {
      throw .preamble(found: Array(storage[start..<min(end, start + 64)]))
    }
    guard seen == Limits.preamble.count else { return false }
    start += seen
    hasPreamble = true
    return true
  }
}
