extension VMDKHeader {
  /// The 512 bytes.
  func encoded() -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Self.byteCount)
    bytes.replaceSubrange(0..<4, with: Self.magic)
    bytes.put(version, at: 4)
    bytes.put(flags, at: 8)
    bytes.put(capacity, at: 12)
    bytes.put(grainSectors, at: 20)
    bytes.put(descriptorOffset, at: 28)
    bytes.put(descriptorSectors, at: 36)
    bytes.put(tableEntries, at: 44)
    bytes.put(directoryOffset, at: 56)
    bytes.put(overheadSectors, at: 64)
    bytes.replaceSubrange(73..<77, with: [0x0A, 0x20, 0x0D, 0x0A])
    bytes.put(UInt16(1), at: 77)
    return bytes
  }
}
