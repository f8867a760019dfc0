internal import CCompression

/// Deflated grains, which no fuzzer guesses: made once for each length.
struct GrainStreams {
  /// How many there are of each length.
  static let count = 8

  // libFuzzer calls on one thread.
  nonisolated(unsafe) private static var known: [Int: [[UInt8]]] = [:]

  /// - Parameters:
  ///   - index: What is in it, or wrong with it.
  ///   - grainBytes: Bytes of a whole grain.
  ///   - left: Bytes of the disk from the grain on.
  static func stream(
    _ index: Int, grainBytes: Int, left: Int, isRaw: Bool
  ) -> [UInt8] {
    let bytes = index == 5 ? min(grainBytes, left) : grainBytes
    let key = bytes << 1 | (isRaw ? 1 : 0)
    if known.count > 256 { known = [:] }
    if known[key] == nil { known[key] = (0..<count).map { make($0, bytes, isRaw) } }
    return known[key]![index]
  }

  private static func make(_ index: Int, _ bytes: Int, _ isRaw: Bool) -> [UInt8] {
    switch index {
    case 0: deflated(Array(repeating: 0, count: bytes), isRaw)
    case 1, 5: deflated(Array(repeating: 7, count: bytes), isRaw)
    case 2: deflated((0..<bytes).map { UInt8(truncatingIfNeeded: $0 >> 9) }, isRaw)
    // Too short, too long, with a byte behind it, damaged.
    case 3: deflated(Array(repeating: 1, count: bytes / 2), isRaw)
    case 4: deflated(Array(repeating: 1, count: bytes + 512), isRaw)
    case 6: deflated(Array(repeating: 2, count: bytes), isRaw) + [0]
    default: deflated(Array(repeating: 3, count: bytes), isRaw).map { $0 ^ 0x10 }
    }
  }

  private static func deflated(_ bytes: [UInt8], _ isRaw: Bool) -> [UInt8] {
    let compressor = libdeflate_alloc_compressor(9)
    defer { libdeflate_free_compressor(compressor) }
    return [UInt8](unsafeUninitializedCapacity: bytes.count + 1024) { target, count in
      count =
        isRaw
        ? libdeflate_deflate_compress(
          compressor, bytes, bytes.count, target.baseAddress, target.count)
        : libdeflate_zlib_compress(
          compressor, bytes, bytes.count, target.baseAddress, target.count)
    }
  }
}
