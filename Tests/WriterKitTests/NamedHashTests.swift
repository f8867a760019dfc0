import Hashing
import Testing

@Suite struct `Digests by name` {
  private func digest(_ algorithm: NamedHash.Algorithm, _ pieces: [String]) -> String {
    var hash = NamedHash(algorithm)
    // What went before is forgotten with the digest.
    hash.update([1, 2, 3])
    _ = hash.finish()
    for piece in pieces { hash.update(Array(piece.utf8)) }
    let digest = hash.finish()
    #expect(digest.count == algorithm.byteCount)
    return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  @Test func `are those of the standards`() {
    // FIPS 180, for "abc".
    for pieces in [["abc"], ["a", "", "bc"]] {
      #expect(digest(.sha1, pieces) == "a9993e364706816aba3e25717850c26c9cd0d89d")
      #expect(
        digest(.sha256, pieces)
          == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
      #expect(
        digest(.sha512, pieces)
          == """
          ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
          2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f
          """)
    }
  }
}
