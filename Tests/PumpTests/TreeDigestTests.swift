import BackupProtocol
import Hashing
import LeafHashing
import System
import Testing

@testable import Pump

/// Expected values were computed by Python's hashlib from the definition in protocol.md.
struct TreeDigestTests {
  private func hexadecimal(_ bytes: [UInt8]) -> String {
    Digest(algorithm: .treeSHA256, bytes: bytes).hexadecimal
  }

  /// Adds bytes of one chunk by the digests of their leaves, as a lane does.
  private func add(leavesOf bytes: [UInt8], to tree: inout TreeDigest) {
    var hasher = LeafHasher()
    let leaves = TreeDigest.leaves(of: 0..<bytes.count)
    var digests = [UInt8](repeating: 0, count: leaves.count * SHA256.byteCount)
    bytes.withUnsafeBytes { bytes in
      digests.withUnsafeMutableBytes {
        hasher.hash(bytes, leafBytes: TreeDigest.leafBytes, into: $0.baseAddress!)
      }
    }
    digests.withUnsafeBytes { tree.add(leaves: $0, byteCount: bytes.count) }
  }

  @Test(
    arguments: [
      (
        0,
        "e3b0c44298fc1c149afbf4c8996fb924"
          + "27ae41e4649b934ca495991b7852b855"
      ),
      (
        1,
        "47cad9cacddd2f4e6ab5d175046f5d62"
          + "dfad13d05060fb6cca786899a0b45aa7"
      ),
      (
        1 << 20,
        "15b4f19deaeb83733f264863df996351"
          + "a03c7aa5a897a50e2b8b7c2ddfe92e7a"
      ),
      (
        (1 << 20) + 1,
        "80121878c68a205fa3130aeee122b9ce"
          + "41c0a00c1f581264a1912aae95fce11b"
      ),
      (
        5 << 20,
        "f867bd1ea9472d9bee633d3d5c65efc4"
          + "9d5655776dc8cf746850f2975916876e"
      ),
      (
        3000 << 20,
        "cdeda7cf6781ea9f7cdad5839a284a7f"
          + "0b686af0010e9da95fe4666f8f7f240b"
      ),
    ] as [(UInt64, String)])
  func `zeros have the digest of the definition`(size: UInt64, expected: String) throws {
    var tree = TreeDigest()
    try tree.addZeros(upTo: size, stop: nil)
    #expect(hexadecimal(tree.finish()) == expected)
  }

  @Test func `the digest of a hole of 8 PiB ends when the job is stopped`() throws {
    let stop = try StopSignal()
    stop.request()
    var tree = TreeDigest()
    do throws(LaneFailure) {
      try tree.addZeros(upTo: 1 << 53, stop: stop)
      Issue.record("it was not stopped")
    } catch {
      guard case .cancelled = error else { throw error }
    }
  }

  @Test func `chunks between zeros have the digest of the definition`() throws {
    var tree = TreeDigest()
    try tree.addZeros(upTo: 1 << 20, stop: nil)
    add(leavesOf: [UInt8](repeating: 7, count: 1 << 20), to: &tree)
    try tree.addZeros(upTo: 4 << 20, stop: nil)
    add(leavesOf: [1, 2, 3], to: &tree)
    let expected = "5327e6d454a659c0d442a3bf70b2ef86" + "2b2c8e96b4d47503bd9e1c62085375f8"
    #expect(hexadecimal(tree.finish()) == expected)
  }

  @Test func `chunks and bytes by turns have the digest of the bytes`() {
    let chunk = (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ $0 >> 8) }
    var mixed = TreeDigest()
    var plain = TreeDigest()
    for _ in 0..<2 {
      add(leavesOf: chunk, to: &mixed)
      mixed.update(chunk.span.bytes)
      mixed.updateZeros(5 << 20 | 40_000)
      mixed.updateZeros((1 << 20) - 40_000)
      for _ in 0..<2 { plain.update(chunk.span.bytes) }
      plain.update([UInt8](repeating: 0, count: 6 << 20).span.bytes)
    }
    #expect(mixed.position == 16 << 20 && plain.position == 16 << 20)
    #expect(mixed.finish() == plain.finish())
  }

  @Test(arguments: [(0, 65536, 0), (65536, 131072, 0), (0, 65536, 65539), (65536, 5, 0), (0, 1, 0)])
  func `leaves between zeros have the digest of the bytes`(before: Int, length: Int, after: Int) {
    let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 1) }
    var parts = TreeDigest()
    var whole = TreeDigest()
    parts.updateZeros(UInt64(before))
    add(leavesOf: bytes, to: &parts)
    parts.updateZeros(UInt64(after))
    whole.update([UInt8](repeating: 0, count: before).span.bytes)
    whole.update(bytes.span.bytes)
    whole.update([UInt8](repeating: 0, count: after).span.bytes)
    #expect(parts.finish() == whole.finish())
  }
}
