/// RELEASE: data that its consumer needs no longer. protocol.md §8.
public enum ReleaseFrame {
  /// Calls `body` with each released sequence number.
  public static func parse(
    _ payload: RawSpan, _ body: (UInt32) throws(WireError) -> Void
  ) throws(WireError) {
    let count = payload.byteCount / 4
    guard payload.byteCount % 4 == 0, count >= 1, count <= Limits.releasesMax else {
      throw .length(.release, length: payload.byteCount)
    }
    for place in 0..<count { try body(payload.load(place * 4, as: UInt32.self)) }
  }
}

/// READ: the host asks for a range of a stream (read mode). protocol.md §4.10.
public struct ReadFrame: Equatable, Sendable {
  /// Bytes; a multiple of 64 KiB.
  public var offset: UInt64
  /// Bytes; ``wholeStream`` with offset 0 asks for everything.
  public var length: UInt64

  /// A length that asks for everything.
  public static let wholeStream = UInt64.max

  /// Makes a READ of a range, or of the whole stream.
  public init(offset: UInt64 = 0, length: UInt64 = ReadFrame.wholeStream) {
    self.offset = offset
    self.length = length
  }

  /// Whether everything is asked for.
  public var isWholeStream: Bool { offset == 0 && length == Self.wholeStream }

  /// Reads the payload and checks every field.
  public init(parsing payload: RawSpan) throws(WireError) {
    guard payload.byteCount == 16 else { throw .length(.read, length: payload.byteCount) }
    offset = payload.load(0, as: UInt64.self)
    length = payload.load(8, as: UInt64.self)
    guard offset % Cluster.bytes == 0, offset <= Limits.streamBytesMax else {
      throw .field(.read, field: "offset", value: offset)
    }
    guard isWholeStream || (length >= 1 && length <= Limits.streamBytesMax - offset) else {
      throw .field(.read, field: "length", value: length)
    }
  }
}

/// READ_DONE: the last frame that answers a READ.
public struct ReadDoneFrame: Equatable, Sendable {
  /// Number of the READ.
  public var request: UInt32
  /// 0, or why it failed.
  public var status: ErrorCode

  /// Makes one of its fields.
  public init(request: UInt32, status: ErrorCode) {
    self.request = request
    self.status = status
  }

  /// Reads the payload and checks every field.
  public init(parsing payload: RawSpan) throws(WireError) {
    guard payload.byteCount == 8 else { throw .length(.readDone, length: payload.byteCount) }
    request = payload.load(0, as: UInt32.self)
    status = ErrorCode(rawValue: payload.load(4, as: UInt32.self))
  }
}

/// EXTENTS: a part of a stream's allocation map.
public enum ExtentsFrame {
  static let entryBytes = 24

  /// Calls `body` with each extent; checks all but how the first one continues the frame before.
  public static func parse(
    _ payload: RawSpan, _ body: (Extent) throws(WireError) -> Void
  ) throws(WireError) {
    let count = payload.byteCount / entryBytes
    guard payload.byteCount % entryBytes == 0, count <= Limits.extentsMax else {
      throw .length(.extents, length: payload.byteCount)
    }
    var end: UInt64?
    for place in 0..<count {
      let extent = try extent(payload, at: place * entryBytes)
      if let end, end != extent.offset {
        throw .gap(.extents, offset: extent.offset, expected: end)
      }
      end = extent.offset + extent.length
      try body(extent)
    }
  }

  private static func extent(_ payload: RawSpan, at place: Int) throws(WireError) -> Extent {
    let offset = payload.load(place, as: UInt64.self)
    let length = payload.load(place + 8, as: UInt64.self)
    let code = payload.load(place + 16, as: UInt32.self)
    guard offset % Cluster.bytes == 0, offset <= Limits.streamBytesMax else {
      throw .field(.extents, field: "offset", value: offset)
    }
    guard length >= 1, length <= Limits.streamBytesMax - offset else {
      throw .field(.extents, field: "length", value: length)
    }
    guard let kind = Extent.Kind(rawValue: code) else {
      throw .field(.extents, field: "kind", value: UInt64(code))
    }
    guard payload.load(place + 20, as: UInt32.self) == 0 else {
      throw .reserved(.extents, field: "reserved")
    }
    return Extent(offset: offset, length: length, kind: kind)
  }
}

extension FrameWriter {
  /// Appends RELEASE of up to ``Limits/releasesMax`` DATA frames.
  @discardableResult
  public mutating func appendRelease(_ sequences: Span<UInt32>) -> UInt32 {
    append(.release) { bytes in
      for place in sequences.indices { bytes.appendLittleEndian(sequences[place]) }
    }
  }

  /// Appends READ and returns its number.
  @discardableResult
  public mutating func append(_ frame: ReadFrame, stream: UInt32) -> UInt32 {
    append(.read, stream: stream) { bytes in
      bytes.appendLittleEndian(frame.offset)
      bytes.appendLittleEndian(frame.length)
    }
  }

  /// Appends READ_DONE and returns its number.
  @discardableResult
  public mutating func append(_ frame: ReadDoneFrame, stream: UInt32) -> UInt32 {
    append(.readDone, stream: stream) { bytes in
      bytes.appendLittleEndian(frame.request)
      bytes.appendLittleEndian(frame.status.rawValue)
    }
  }

  /// Appends one EXTENTS frame.
  ///
  /// - Parameter isLast: No other EXTENTS of this stream follows.
  @discardableResult
  public mutating func append(
    extents: ArraySlice<Extent>, stream: UInt32, isLast: Bool
  ) -> UInt32 {
    append(.extents, flags: isLast ? FrameHeader.lastExtentsFlag : 0, stream: stream) { bytes in
      for extent in extents {
        bytes.appendLittleEndian(extent.offset)
        bytes.appendLittleEndian(extent.length)
        bytes.appendLittleEndian(extent.kind.rawValue)
        bytes.appendLittleEndian(UInt32(0))
      }
    }
  }
}
