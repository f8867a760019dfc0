internal import BackupProtocol
internal import System

/// Where a reader puts what it reads: straight into the slots of the pool, or into frames where
/// there is none. Waits when all slots are with the host.
@safe public final class ReadSink {
  /// The next byte of the stream that is wanted.
  public var position: UInt64 { cursor.position }
  /// The end of what is wanted.
  public let end: UInt64
  /// Bytes of the largest piece that ``data(_:masks:_:)`` takes; a multiple of 64 KiB.
  public let pieceBytesMax: Int
  /// Why the session ended while a piece waited for its slot.
  private(set) var ending: Ending?

  private var cursor: StreamCursor
  private let stream: UInt32
  private let request: UInt32
  private let slots: ReadSlots
  private let salvages: Bool
  private let isIncremental: Bool
  /// Whether the host was told of damage.
  public private(set) var hasDamage = false
  /// Of what was put, if the kit is to check it.
  private var tree: TreeDigest?

  init(
    _ range: Range<UInt64>, of stream: StreamDescription, request: UInt32, slots: ReadSlots,
    salvages: Bool, digests: Bool
  ) {
    tree = digests ? TreeDigest() : nil
    isIncremental = stream.isIncremental
    self.salvages = salvages
    cursor = StreamCursor(at: range.lowerBound, size: range.upperBound)
    end = range.upperBound
    pieceBytesMax = slots.pieceBytesMax
    self.stream = stream.id
    self.request = request
    self.slots = slots
  }

  /// Bytes that are still wanted.
  public var bytesLeft: UInt64 { end - position }

  /// Whether so many bytes can come next: no more than are wanted, and no cluster of 64 KiB cut. An
  /// archive that has others is damaged.
  public func takes(_ count: UInt64) -> Bool { (try? advanced(by: count)) != nil }

  /// Puts bytes of any number that ``takes(_:)`` allows, in pieces as large as they may be.
  public func writeAll(_ bytes: RawSpan) throws(PluginError) {
    var start = 0
    while start < bytes.byteCount {
      let piece = bytes.extracting(start..<min(bytes.byteCount, start + pieceBytesMax))
      try data(piece.byteCount) { room throws(PluginError) in
        // Safe because: both have the same number of bytes.
        unsafe piece.withUnsafeBytes { from in
          unsafe room.withUnsafeMutableBytes { unsafe $0.copyMemory(from: from) }
        }
      }
      start += piece.byteCount
    }
  }

  /// Puts bytes of any number that ``takes(_:)`` allows, in pieces as large as they may be.
  public func writeAll(_ bytes: [UInt8]) throws(PluginError) {
    try unsafe writeAll(bytes.span.bytes)
  }

  /// Puts bytes of which nobody claims anything; see ``data(_:masks:_:)``.
  public func data(
    _ count: Int, _ fill: (inout MutableRawSpan) throws(PluginError) -> Void
  ) throws(PluginError) {
    try data(count, masks: Span(), fill)
  }

  /// Puts the next bytes of the stream.
  ///
  /// - Parameters:
  ///   - count: 1…``pieceBytesMax``; a multiple of 64 KiB unless the piece reaches ``end``.
  ///   - masks: None, or one per 64 KiB begun: a block is left out only if it is all zeros.
  ///   - fill: Writes exactly `count` bytes; what was there before is of no meaning. If it throws,
  ///     nothing has been put.
  /// - Throws: What `fill` throws; E_CANCELLED when the host gave up, which must be passed on.
  public func data(
    _ count: Int, masks: Span<BlockMask>,
    _ fill: (inout MutableRawSpan) throws(PluginError) -> Void
  ) throws(PluginError) {
    precondition(count >= 1 && count <= pieceBytesMax, "a piece of \(count) bytes")
    let next = try advanced(by: UInt64(count))
    let slot = try session { () throws(Ending) in try slots.take() }
    let memory = unsafe slots.unsafeMemory(slot, count: count)
    do throws(PluginError) {
      var span = unsafe MutableRawSpan(_unsafeBytes: memory)
      try fill(&span)
    } catch {
      slots.putBack(slot)
      throw error
    }
    unsafe tree?.update(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(memory)))
    let frame = DataFrame(
      offset: position, length: UInt32(count), place: slots.place(slot),
      maskCount: UInt16(masks.count), request: request)
    try session { () throws(Ending) in
      try slots.send(frame, stream: stream, masks: masks, slot: slot)
    }
    cursor = next
  }

  /// Says that the next bytes are zeros.
  ///
  /// - Parameters:
  ///   - count: At least 1; a multiple of 64 KiB unless it reaches ``end``.
  ///   - kind: `.zero` or `.hole`.
  public func zeros(_ count: UInt64, _ kind: Extent.Kind = .hole) throws(PluginError) {
    try skip(count, kind)
  }

  /// Says that the next bytes are as in the parent, which the host has; only of a stream that
  /// ``ArchiveReader/streams`` has as incremental.
  ///
  /// - Parameter count: As of ``zeros(_:_:)``.
  public func unchanged(_ count: UInt64) throws(PluginError) {
    guard isIncremental else {
      throw PluginError(.internal, "the reader calls a part of a whole stream unchanged")
    }
    try skip(count, .unchanged)
  }

  private func skip(_ count: UInt64, _ kind: Extent.Kind) throws(PluginError) {
    let next = try advanced(by: count)
    let frame = ZeroFrame(offset: position, length: count, kind: kind, request: request)
    slots.append(frame, stream: stream)
    if kind == .unchanged { tree?.updateUnchanged(count) } else { tree?.updateZeros(count) }
    cursor = next
  }

  /// Says that the archive has lost the next bytes, which count as zeros, and that what follows can
  /// be read all the same.
  ///
  /// - Parameters:
  ///   - count: As of ``zeros(_:_:)``.
  ///   - reason: What is wrong, for people.
  /// - Throws: E_CORRUPT with that reason unless ``Job/salvages``: damage fails the READ then.
  public func damaged(_ count: UInt64, _ reason: String) throws(PluginError) {
    guard salvages else { throw PluginError(.corrupt, reason) }
    let next = try advanced(by: count)
    let frame = DamagedFrame(offset: position, length: count, request: request, reason: reason)
    slots.append(frame, stream: stream)
    cursor = next
    hasDamage = true
    tree = nil
  }

  /// Holds all that was put against the digest of the archive, if the kit is to do that.
  ///
  /// - Returns: Whether it is proven: not of what is damaged.
  /// - Throws: E_CORRUPT for another digest.
  func proves(_ stream: StreamDescription) throws(PluginError) -> Bool {
    guard let digest = stream.digest, let found = tree?.finish() else { return false }
    guard found == digest.bytes else {
      throw .damaged("the bytes of \(stream.name) have another digest")
    }
    return true
  }

  /// Where the stream will be after `count` bytes.
  private func advanced(by count: UInt64) throws(PluginError) -> StreamCursor {
    var next = cursor
    do throws(StreamCursor.Fault) { try next.advance(offset: position, length: count) } catch {
      switch error {
      case .gap, .length:
        throw PluginError(.internal, "the reader has more bytes than were asked for")
      case .cluster: throw PluginError(.internal, "the reader cuts a stream inside a cluster")
      }
    }
    return next
  }

  private func session<Value>(_ body: () throws(Ending) -> Value) throws(PluginError) -> Value {
    do { return try body() } catch {
      ending = error
      throw PluginError(.cancelled, "the host gave up")
    }
  }
}
