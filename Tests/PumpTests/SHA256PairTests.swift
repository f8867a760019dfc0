import Hashing
import Testing

/// OpenSSL is the oracle: what both hash must be equal.
struct SHA256PairTests {
  private func pair(_ first: [UInt8], _ second: [UInt8]) -> [[UInt8]] {
    var digests = [[UInt8]](repeating: [UInt8](repeating: 0, count: 32), count: 2)
    var other = digests[1]
    first.withUnsafeBytes { firstBytes in
      second.withUnsafeBytes { secondBytes in
        digests[0].withUnsafeMutableBytes { firstDigest in
          other.withUnsafeMutableBytes { secondDigest in
            SHA256Pair.hash(
              firstBytes, secondBytes, into: firstDigest.baseAddress!, secondDigest.baseAddress!)
          }
        }
      }
    }
    digests[1] = other
    return digests
  }

  private func single(_ bytes: [UInt8]) -> [UInt8] {
    var hash = SHA256()
    hash.update(bytes)
    return hash.finish()
  }

  @Test(arguments: [0, 1, 63, 64, 65, 128, 192, 4096, 65536, 1 << 20, (1 << 20) + 7])
  func `two messages at once have the digests of each alone`(count: Int) {
    var random = SeededRandom(UInt64(count) + 1)
    let first = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    let second = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next() >> 8) }
    #expect(pair(first, second) == [single(first), single(second)])
    #expect(pair(second, first) == [single(second), single(first)])
    #expect(pair(first, first) == [single(first), single(first)])
  }
}
