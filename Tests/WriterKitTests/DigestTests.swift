import Testing
import WriterKit

@Suite struct `Digests` {
  @Test func `a SHA-256 is the one of the standard`() {
    var hash = SHA256()
    hash.update(Array("abc".utf8))
    #expect(
      Digest(algorithm: .sha256, bytes: hash.finish()).hexadecimal
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }
}
