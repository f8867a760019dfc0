internal import System

/// Where a reader puts what it reads: straight into the slots of the pool, or into frames where
/// there is none. Waits when all slots are with the host.
@safe public final class ReadSink {
  /// The next byte of the stream that is wanted.
  public private(set) var position: UInt64
  /// The end of what is wanted.
  public let end: UInt64
  /// Bytes of the largest piece that ``data(_:masks:_:)`` takes; a multiple of 64 KiB.
  public let pieceBytesMax: Int
  /// Why the session ended while a piece waited for its slot.
  private(set) var ending: Ending?

  private let stream: UInt32
  private let request: UInt32
  private let slots: ReadSlots

  init(_ range: Range<UInt64>, stream: UInt32, request: UInt32, slots: ReadSlots) {
    position = range.lowerBound
    end = range.upperBound
    pieceBytesMax = slots.pieceBytesMax
    self.stream = stream
    self.request = request
    self.slots = slots
  }

  /// Bytes that are still wanted.
  public var bytesLeft: UInt64 { end - position }

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
  ///   - masks: None, or one per 64 KiB begun: bit b is clear only if 4 KiB block b is all zeros.
  ///   - fill: Writes exactly `count` bytes; what was there before is of no meaning. If it throws,
  ///     nothing has been put.
  /// - Throws: What `fill` throws; E_CANCELLED when the host gave up, which must be passed on.
  public func data(
    _ count: Int, masks: Span<UInt16>,
    _ fill: (inout MutableRawSpan) throws(PluginError) -> Void
  ) throws(PluginError) {
    precondition(count >= 1 && count <= pieceBytesMax, "a piece of \(count) bytes")
    try check(UInt64(count))
    let slot = try session { () throws(Ending) in try slots.take() }
    let memory = unsafe slots.unsafeMemory(slot, count: count)
    do throws(PluginError) {
      var span = unsafe MutableRawSpan(_unsafeBytes: memory)
      try fill(&span)
    } catch {
      slots.putBack(slot)
      throw error
    }
    let frame = DataFrame(
      offset: position, length: UInt32(count), place: slots.place(slot),
      maskCount: UInt16(masks.count), request: request)
    try session { () throws(Ending) in
      try slots.send(frame, stream: stream, masks: masks, slot: slot)
    }
    position += UInt64(count)
  }

  /// Says that the next bytes are zeros.
  ///
  /// - Parameter count: At least 1; a multiple of 64 KiB unless it reaches ``end``.
  public func zeros(_ count: UInt64, _ kind: ZeroKind = .hole) throws(PluginError) {
    try check(count)
    let frame = ZeroFrame(offset: position, length: count, kind: kind, request: request)
    slots.append(frame, stream: stream)
    position += count
  }

  private func check(_ count: UInt64) throws(PluginError) {
    guard count >= 1, count <= bytesLeft else {
      throw PluginError(.internal, "the reader has more bytes than were asked for")
    }
    guard count % Limits.clusterBytes == 0 || count == bytesLeft else {
      throw PluginError(.internal, "the reader cuts a stream inside a cluster")
    }
  }

  private func session<Value>(_ body: () throws(Ending) -> Value) throws(PluginError) -> Value {
    do { return try body() } catch {
      ending = error
      throw PluginError(.cancelled, "the host gave up")
    }
  }
}
