/// Turns a stream of bytes into frames, however the bytes are cut; does no I/O itself.
///
/// Memory is taken once: the largest frame, its header and some room to read ahead. One thread
/// owns it. Inline bytes of DATA begin at an aligned address if the reader is made so: fit for
/// `O_DIRECT`. They are never moved for it, but for what came together with the head of their
/// frame. Specified in protocol.md §3.
public struct FrameReader: ~Copyable {
  private var storage: [UInt8]
  private var start = 0
  private var end = 0
  private var hasPreamble = false
  private var expectedSequence: UInt32
  private var current: FrameHeader?
  private let frameBytesMax: UInt32
  private let inlineAlignment: Int

  /// What is read of frames that are not known yet, if inline bytes are to be aligned: so little
  /// that moving it costs nothing, and enough for the heads of many.
  private static let headBytes = 4096

  /// - Parameters:
  ///   - frameBytesMax: Payload bytes that are accepted, ``Limits/frameBytesMax`` at most.
  ///   - firstSequence: Number of the first frame; not 0 only to test what comes after 2^32-1.
  ///   - inlineAlignment: What the address of inline bytes is a multiple of: a power of two, 4096
  ///     at most.
  public init(
    frameBytesMax: UInt32 = Limits.frameBytesMax, firstSequence: UInt32 = 0,
    inlineAlignment: Int = 1
  ) {
    precondition(
      inlineAlignment > 0 && inlineAlignment <= 4096 && inlineAlignment.nonzeroBitCount == 1,
      "an alignment is a power of two, 4096 at most")
    self.frameBytesMax = frameBytesMax
    self.inlineAlignment = inlineAlignment
    expectedSequence = firstSequence
    storage = [UInt8](
      repeating: 0,
      count: 2 * FrameHeader.byteCount + Int(frameBytesMax) + (64 << 10) + inlineAlignment)
  }

  /// Lends the free space to `body`, which says how many bytes it put there.
  ///
  /// Call it only after ``next()`` has returned `nil`: then there is always room.
  @discardableResult
  public mutating func fill<Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
  ) throws(Failure) -> Int {
    skipCurrent()
    move(to: place)
    let free = end..<(end + min(roomWanted, storage.count - end))
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
    if case .inline = shape, inlineAlignment > 1 { move(to: place) }
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

// MARK: - Where a frame lies

extension FrameReader {
  /// What the first bytes that wait say of where they should lie.
  private enum Shape {
    /// Too few to tell.
    case unknown
    /// A frame of so many bytes, which may lie anywhere.
    case plain(byteCount: Int)
    /// A DATA of so many bytes, whose inline bytes begin that far from the start of the frame.
    case inline(byteCount: Int, offset: Int)
  }

  /// Says nothing of whether the frame is sound: no more than where it would lie.
  private var shape: Shape {
    let head = FrameHeader.byteCount
    guard hasPreamble, end - start >= head else { return .unknown }
    let bytes = unsafe storage.span.bytes
    let byteCount = head + Int(bytes.load(start, as: UInt32.self))
    guard FrameType(rawValue: bytes.load(start + 4, as: UInt16.self)) == .data else {
      return .plain(byteCount: byteCount)
    }
    guard end - start >= head + DataFrame.structBytes else { return .unknown }
    let payload = bytes.extracting((start + head)..<end)
    guard let offset = DataFrame.inlineOffset(peeking: payload) else {
      return .plain(byteCount: byteCount)
    }
    return .inline(byteCount: byteCount, offset: head + offset)
  }

  /// Where in the storage the bytes that wait should begin.
  private var place: Int {
    guard inlineAlignment > 1, case .inline(_, let offset) = shape else { return 0 }
    let base = unsafe storage.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
    let misfit = Int((base &+ UInt(offset)) % UInt(inlineAlignment))
    return misfit == 0 ? 0 : inlineAlignment - misfit
  }

  /// Bytes that are welcome: all there is room for, or no more than can be put in its place.
  private var roomWanted: Int {
    guard inlineAlignment > 1 else { return .max }
    switch shape {
    case .unknown: return Self.headBytes
    case .plain(let byteCount), .inline(let byteCount, _):
      return max(0, byteCount - (end - start)) + Self.headBytes
    }
  }

  private mutating func move(to place: Int) {
    guard start != place else { return }
    let (from, count) = (start, end - start)
    precondition(place + count <= storage.count, "what waits fits wherever it begins")
    unsafe storage.withUnsafeMutableBytes { buffer in
      guard let base = buffer.baseAddress else { return }
      unsafe (base + place).copyMemory(from: base + from, byteCount: count)
    }
    (start, end) = (place, place + count)
  }
}
