internal import BackupProtocol

/// Archives that are one file, which is written from its start to its end and read by its index.
///
/// They begin with some magic bytes of the format, and end so:
///
/// ```
/// index · u64 place of the index · u32 its length · u32 its CRC-32 · the magic bytes again
/// ```
extension ArchiveFile {
  /// Bytes between the index and the magic bytes.
  private static let endBytes = 16

  /// Appends the index, which a reader wants first, and the end.
  ///
  /// - Parameters:
  ///   - text: As it is to be read; ``Job/receipt(_:more:host:)`` makes one.
  ///   - magic: The bytes with which the file begins.
  /// - Throws: E_TOO_LARGE for a text that ``readIndex(_:)`` would refuse: over 4 MiB.
  public mutating func writeIndex(_ text: [UInt8], _ magic: [UInt8]) throws(PluginError) {
    guard text.count <= Receipt.byteCountMax else {
      throw PluginError(.tooLarge, "the index of the archive would have more than 4 MiB")
    }
    let end =
      place.littleEndianBytes + UInt32(text.count).littleEndianBytes
      + CRC32.of(text).littleEndianBytes
    try append(text + end + magic)
  }

  /// The index of a file that was written so, held against its checksum.
  ///
  /// - Throws: E_CORRUPT if the file has no such end, or no such beginning.
  public func readIndex(_ magic: [UInt8]) throws(PluginError) -> [UInt8] {
    let (size, count) = (try size(), Self.endBytes + magic.count)
    guard size >= UInt64(count) else { throw .damaged("it ends early") }
    let start = size - UInt64(count)
    let end = try read(count, at: start)
    guard Array(end[Self.endBytes...]) == magic else {
      throw .damaged("it has no end, so it was not completed")
    }
    guard try read(magic.count, at: 0) == magic else {
      throw .damaged("it has another beginning")
    }
    let place = UInt64(littleEndianBytes: end[..<8])
    let length = UInt64(littleEndianBytes: end[8..<12])
    guard place <= start, start - place == length, length <= Receipt.byteCountMax else {
      throw .damaged("its end is malformed")
    }
    let text = try read(Int(length), at: place)
    guard CRC32.of(text) == UInt32(littleEndianBytes: end[12..<16]) else {
      throw .damaged("its index has another checksum")
    }
    return text
  }
}

extension FixedWidthInteger where Self: UnsignedInteger {
  /// Its bytes, the lowest first.
  public var littleEndianBytes: [UInt8] {
    (0..<Self.bitWidth / 8).map { UInt8(truncatingIfNeeded: self >> (8 * $0)) }
  }

  /// The integer whose bytes these are, the lowest first: those that it has room for.
  public init(littleEndianBytes bytes: some Collection<UInt8>) {
    self = 0
    for (index, byte) in bytes.prefix(Self.bitWidth / 8).enumerated() {
      self |= Self(truncatingIfNeeded: byte) << (8 * index)
    }
  }
}
