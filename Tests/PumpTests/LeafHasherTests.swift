import Hashing
import LeafHashing
import Testing

/// OpenSSL is the oracle: what both hash must be equal.
struct LeafHasherTests {
  private func together(_ bytes: [UInt8], leafBytes: Int) -> [UInt8] {
    var hasher = LeafHasher()
    let count = (bytes.count + leafBytes - 1) / leafBytes
    // A byte more, which must stay as it is.
    var digests = [UInt8](repeating: 0xEE, count: count * SHA256.byteCount + 1)
    bytes.withUnsafeBytes { bytes in
      digests.withUnsafeMutableBytes {
        hasher.hash(bytes, leafBytes: leafBytes, into: $0.baseAddress!)
      }
    }
    #expect(digests.popLast() == 0xEE)
    return digests
  }

  private func inTurn(_ bytes: [UInt8], leafBytes: Int) -> [UInt8] {
    stride(from: 0, to: bytes.count, by: leafBytes).flatMap { start in
      var hash = SHA256()
      hash.update(Array(bytes[start..<min(start + leafBytes, bytes.count)]))
      return hash.finish()
    }
  }

  @Test(arguments: [0, 1, 63, 64, 32767, 32768, 32769, 65536, 1 << 20, (1 << 20) - 511])
  func `leaves hashed at once have the digests of each alone`(count: Int) {
    var random = SeededRandom(UInt64(count) + 1)
    let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next() >> 8) }
    for leafBytes in [1000, 4096, LeafHasher.leafBytesMax] {
      #expect(
        together(bytes, leafBytes: leafBytes) == inTurn(bytes, leafBytes: leafBytes),
        "leaves of \(leafBytes)")
    }
  }

  #if arch(x86_64)
  @Test func `this processor hashes several leaves at once`() {
    let isWide = LeafHasher().isWide
    #expect(isWide)
  }
  #endif
}
