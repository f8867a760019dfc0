public import BackupProtocol

/// What the decoder made of some bytes: the common ground of the vector tests and the fuzzer.
public struct Exercise: Equatable, Sendable {
  /// One frame that came out whole and whose payload was accepted.
  public struct Frame: Equatable, Sendable {
    public var header: FrameHeader
    public var payload: [UInt8]
    /// The encoder writes the same bytes for it.
    public var isCanonical: Bool
    /// Decoding what the encoder writes gives the same values.
    public var isStable: Bool
    /// Its inline bytes, if it has any, began where the reader was asked to put them.
    public var isAligned: Bool
  }

  public private(set) var frames: [Frame] = []
  /// Why the decoder gave up, if it did.
  public private(set) var error: WireError?
  /// The input ended between two frames.
  public private(set) var endsAtBoundary = false

  private let inlineAlignment: Int

  /// Decodes `bytes`, handed over in pieces that end at `cuts` (ascending) and at the end.
  public init(
    _ bytes: [UInt8], cuts: some Sequence<Int> = [], firstSequence: UInt32 = 0,
    frameBytesMax: UInt32 = Limits.frameBytesMax, inlineAlignment: Int = 1
  ) {
    self.inlineAlignment = inlineAlignment
    var reader = FrameReader(
      frameBytesMax: frameBytesMax, firstSequence: firstSequence, inlineAlignment: inlineAlignment)
    var from = 0
    do {
      for cut in cuts where cut > from && cut < bytes.count {
        try feed(&reader, bytes[from..<cut])
        from = cut
      }
      try feed(&reader, bytes[from...])
      endsAtBoundary = reader.isAtBoundary
    } catch {
      self.error = error
    }
  }

  /// Equal, but for how much of a stranger's text was there to be shown.
  public func agrees(with other: Exercise) -> Bool {
    if case .preamble? = error, case .preamble? = other.error { return true }
    return frames == other.frames && error == other.error && endsAtBoundary == other.endsAtBoundary
  }

  private mutating func feed(
    _ reader: inout FrameReader, _ piece: ArraySlice<UInt8>
  ) throws(WireError) {
    var left = piece
    try drain(&reader)
    while !left.isEmpty {
      let taken = unsafe reader.fill { room in
        let count = min(room.count, left.count)
        unsafe room.copyBytes(from: left.prefix(count))
        return count
      }
      left = left.dropFirst(taken)
      try drain(&reader)
    }
  }

  private mutating func drain(_ reader: inout FrameReader) throws(WireError) {
    while let header = try reader.next() {
      let verdict = try reader.withPayload { payload throws(WireError) in
        try PayloadVerdict(header, payload)
      }
      let payload = reader.withPayload { $0.allBytes }
      frames.append(
        Frame(
          header: header, payload: payload, isCanonical: verdict.isCanonical,
          isStable: verdict.isStable,
          isAligned: reader.withPayload { isAligned(header, $0) }))
    }
  }

  private func isAligned(_ header: FrameHeader, _ payload: RawSpan) -> Bool {
    guard header.type == .data, let frame = try? DataFrame(parsing: payload),
      frame.place == .inline
    else { return true }
    return unsafe payload.withUnsafeBytes { bytes in
      UInt(bitPattern: bytes.baseAddress) % UInt(inlineAlignment)
        == UInt(inlineAlignment - frame.inlineOffset % inlineAlignment) % UInt(inlineAlignment)
    }
  }
}
