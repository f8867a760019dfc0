import BackupProtocol
import Testing
import WriterKit

@Suite struct `Digests` {
  func tree(_ feed: (inout TreeDigest) -> Void) -> String {
    var tree = TreeDigest()
    feed(&tree)
    return Digest(algorithm: .treeSHA256, bytes: tree.finish()).hexadecimal
  }

  @Test func `a SHA-256 is the one of the standard`() {
    var hash = SHA256()
    hash.update(Array("abc".utf8))
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    #expect(Digest(algorithm: .sha256, bytes: hash.finish()).hexadecimal == expected)
    // It starts again from nothing.
    hash.update(Array("ab".utf8))
    hash.update(Array("c".utf8))
    #expect(Digest(algorithm: .sha256, bytes: hash.finish()).hexadecimal == expected)
  }

  @Test func `a tree digest is the one of the protocol`() {
    // The worked example of protocol.md §10.2.
    let worked = tree { tree in
      tree.updateZeros(1 << 20)
      tree.update([UInt8](repeating: 0xA5, count: 1 << 20).span.bytes)
      tree.update(Array("hello".utf8).span.bytes)
    }
    #expect(worked == "e8ab542be987c866946217f0888612d263af3912868db6764026789099978dab")
    let empty = tree { _ in }
    #expect(empty == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    let hello = tree { $0.update(Array("hello".utf8).span.bytes) }
    #expect(hello == "6c92efed736019d91804be8749edd36be572a345bd51c80f1ac4ea0d932c0dc7")
  }

  @Test func `a digest of an increment is the one of the protocol`() {
    // The worked example of protocol.md §10.3.
    let part = [UInt8](repeating: 0xA5, count: 65536)
    let worked = tree { tree in
      tree.updateUnchanged(1 << 20)
      tree.update(part.span.bytes)
      tree.updateUnchanged(65536)
      for _ in 0..<14 { tree.update(part.span.bytes) }
      tree.updateUnchanged(5)
    }
    #expect(worked == "754e79ee0f244efa2beaec6be1ee0dca8516c5df912a585ef3cae88fa0ec9c14")
  }

  @Test(arguments: [1, 4095, 65536, 1_048_575, 1_048_577, 2_500_000])
  func `a tree digest does not depend on how the bytes are cut`(piece: Int) {
    let zeros = 3 << 20 | 777
    let bytes = [UInt8](repeating: 0, count: zeros) + (0..<70_000).map { UInt8($0 & 0xFF) }
    let whole = tree { $0.update(bytes.span.bytes) }
    let cut = tree { tree in
      for start in stride(from: 0, to: zeros, by: max(piece, 4095)) {
        tree.updateZeros(UInt64(min(max(piece, 4095), zeros - start)))
      }
      for start in stride(from: zeros, to: bytes.count, by: piece) {
        let end = min(bytes.count, start + piece)
        tree.update(bytes.span.bytes.extracting(start..<end))
      }
    }
    #expect(cut == whole)
  }

  @Test(.timeLimit(.minutes(1)))
  func `a tree digest of 1 TiB of zeros takes no time`() {
    let digest = tree { $0.updateZeros(1 << 40) }
    #expect(digest.count == 64)
  }
}
