internal import BackupProtocol

/// Frames without meaning, the same in every run: any of the eight types, also private ones and
/// those of a future, with any flags, stream and payload. Specified in protocol.md §17.4.
struct Grease {
  private static let types: [UInt16] = [
    0x8A0A, 0x9A1A, 0xAA2A, 0xBA3A, 0xCA4A, 0xDA5A, 0xEA6A, 0xFA7A, 0xF123, 0x8777,
  ]
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x2545_F491_4F6C_DD1D | 1 }

  private mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }

  /// How many frames come now.
  mutating func count() -> Int { Int(next() >> 33 & 1) + 1 }

  /// One frame.
  mutating func frame() -> (type: FrameType, flags: UInt16, stream: UInt32, payload: [UInt8]) {
    let bits = next()
    let sizes = [0, 1, 17, 1024]
    return (
      FrameType(rawValue: Self.types[Int(bits >> 20) % Self.types.count]),
      UInt16(truncatingIfNeeded: bits >> 8), UInt32(truncatingIfNeeded: bits >> 16),
      Bytes.noise(sizes[Int(bits >> 40) % 4], seed: bits)
    )
  }
}
