/// DATA: bytes of a stream, in a slot of the pool or behind the struct. protocol.md §4.7.
///
/// ```
/// 0        8        12       14       16       20         24        28       32
/// ┌────────┬────────┬────────┬────────┬────────┬──────────┬─────────┬────────┬───────────────┐
/// │ offset │ length │ where  │ nmask  │ slot   │ slot_off │ request │ 0      │ mask, padding │
/// └────────┴────────┴────────┴────────┴────────┴──────────┴─────────┴────────┴───────────────┘
/// ```
public struct DataFrame: Equatable, Sendable {
  /// Where the bytes are.
  public enum Place: Equatable, Sendable {
    /// Right behind masks and padding, in the frame itself.
    case inline
    /// At the start of this slot of the pool.
    case slot(UInt32)
  }

  static let structBytes = 32

  /// Bytes from the start of the stream; a multiple of 64 KiB.
  public var offset: UInt64
  /// 1…slot size; a multiple of 64 KiB except at the end of the stream.
  public var length: UInt32
  /// Where the bytes are.
  public var place: Place
  /// Masks in the frame: 0 (no claim) or one per 64 KiB begun.
  public var maskCount: UInt16
  /// In read mode the number of the READ this answers; 0 in write mode.
  public var request: UInt32

  /// Makes one of its fields.
  public init(
    offset: UInt64, length: UInt32, place: Place, maskCount: UInt16 = 0, request: UInt32 = 0
  ) {
    self.offset = offset
    self.length = length
    self.place = place
    self.maskCount = maskCount
    self.request = request
  }

  /// Clusters the data touches.
  public var clusterCount: Int { Cluster.count(in: Int(length)) }

  /// Where inline bytes begin in the payload: masks end on a multiple of 8.
  public var inlineOffset: Int { Self.inlineOffset(maskCount) }

  private static func inlineOffset(_ maskCount: UInt16) -> Int {
    structBytes + (Int(maskCount) * 2 + 7) & ~7
  }

  /// Where the inline bytes of a frame begin that is not checked yet, and may not be whole.
  ///
  /// - Parameter payload: The struct at least.
  /// - Returns: `nil` if it has none.
  static func inlineOffset(peeking payload: RawSpan) -> Int? {
    guard payload.load(12, as: UInt16.self) == 0 else { return nil }
    return inlineOffset(payload.load(14, as: UInt16.self))
  }

  /// The mask of a cluster.
  ///
  /// - Parameters:
  ///   - cluster: 0..<``clusterCount``.
  ///   - payload: The payload this frame was parsed from.
  public func mask(_ cluster: Int, in payload: RawSpan) -> BlockMask {
    if maskCount == 0 { return .all }
    return BlockMask(rawValue: payload.load(Self.structBytes + 2 * cluster, as: UInt16.self))
  }

  /// Reads the struct and checks every field that does not depend on the stream.
  public init(parsing payload: RawSpan) throws(WireError) {
    guard payload.byteCount >= Self.structBytes else {
      throw .length(.data, length: payload.byteCount)
    }
    offset = payload.load(0, as: UInt64.self)
    length = payload.load(8, as: UInt32.self)
    maskCount = payload.load(14, as: UInt16.self)
    request = payload.load(24, as: UInt32.self)
    let slot = payload.load(16, as: UInt32.self)
    switch payload.load(12, as: UInt16.self) {
    case 0: place = .inline
    case 1: place = .slot(slot)
    case let other: throw .field(.data, field: "where", value: UInt64(other))
    }
    try checkRange()
    try checkPlace(slot: slot, payload)
    try checkLastMask(payload)
  }

  private func checkRange() throws(WireError) {
    guard offset % Cluster.bytes == 0, offset <= Limits.streamBytesMax else {
      throw .field(.data, field: "offset", value: offset)
    }
    let most = place == .inline ? Limits.inlineBytesMax : Limits.slotBytes.upperBound
    guard length >= 1, length <= most, UInt64(length) <= Limits.streamBytesMax - offset else {
      throw .field(.data, field: "length", value: UInt64(length))
    }
    guard maskCount == 0 || Int(maskCount) == clusterCount else {
      throw .field(.data, field: "nmask", value: UInt64(maskCount))
    }
  }

  /// Blocks that begin behind the end of the data have no say.
  private func checkLastMask(_ payload: RawSpan) throws(WireError) {
    guard maskCount > 0 else { return }
    let tail = Int(length) - (clusterCount - 1) * Int(Cluster.bytes)
    let last = mask(clusterCount - 1, in: payload)
    guard last.isSubset(of: BlockMask(covering: tail)) else {
      throw .field(.data, field: "mask", value: UInt64(last.rawValue))
    }
  }

  private func checkPlace(slot: UInt32, _ payload: RawSpan) throws(WireError) {
    if place == .inline && slot != 0 { throw .reserved(.data, field: "slot") }
    guard payload.load(20, as: UInt32.self) == 0 else { throw .reserved(.data, field: "slot_off") }
    guard payload.load(28, as: UInt32.self) == 0 else { throw .reserved(.data, field: "reserved") }
    let expected = inlineOffset + (place == .inline ? Int(length) : 0)
    guard payload.byteCount == expected else { throw .length(.data, length: payload.byteCount) }
    for byte in (Self.structBytes + 2 * Int(maskCount))..<inlineOffset
    where payload.load(byte, as: UInt8.self) != 0 {
      throw .reserved(.data, field: "padding")
    }
  }
}

extension FrameWriter {
  /// Appends a DATA frame up to its inline bytes, which the caller writes right behind it.
  ///
  /// - Parameter masks: As many as `frame.maskCount` says.
  @discardableResult
  public mutating func append(
    _ frame: DataFrame, stream: UInt32, masks: Span<BlockMask>
  ) -> UInt32 {
    let following = frame.place == .inline ? Int(frame.length) : 0
    let end = frame.inlineOffset
    return append(.data, stream: stream, following: following) { bytes in
      let start = bytes.count
      bytes.appendLittleEndian(frame.offset)
      bytes.appendLittleEndian(frame.length)
      let slot: UInt32 = if case .slot(let slot) = frame.place { slot } else { 0 }
      bytes.appendLittleEndian(UInt16(frame.place == .inline ? 0 : 1))
      bytes.appendLittleEndian(frame.maskCount)
      bytes.appendLittleEndian(slot)
      bytes.appendLittleEndian(UInt32(0))
      bytes.appendLittleEndian(frame.request)
      bytes.appendLittleEndian(UInt32(0))
      for cluster in 0..<Int(frame.maskCount) {
        bytes.appendLittleEndian(masks[cluster].rawValue)
      }
      while bytes.count - start < end { bytes.append(0) }
    }
  }
}
