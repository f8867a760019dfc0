import BackupProtocol
import Hashing
import System
import Testing

@testable import Pump

/// Expected values were computed by Python's hashlib from the definition in protocol.md.
struct TreeDigestTests {
  private func digest(_ chunk: [UInt8], _ shape: ChunkHasher.Shape? = nil) -> [UInt8] {
    var hasher = ChunkHasher()
    var digest = [UInt8](repeating: 0, count: SHA256.byteCount)
    chunk.withUnsafeBytes { chunk in
      digest.withUnsafeMutableBytes {
        hasher.hash(shape ?? .init(length: chunk.count), chunk, into: $0.baseAddress!)
      }
    }
    return digest
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
    let tree = TreeDigest(size: size)
    #expect(try tree.finish().hexadecimal == expected)
  }

  @Test func `the digest of a hole of 8 PiB ends when the job is stopped`() throws {
    let stop = try StopSignal()
    stop.request()
    let tree = TreeDigest(size: 1 << 53, stop: stop)
    do throws(LaneFailure) {
      _ = try tree.finish()
      Issue.record("it was not stopped")
    } catch {
      guard case .cancelled = error else { throw error }
    }
  }

  @Test func `chunks between zeros have the digest of the definition`() throws {
    var tree = TreeDigest(size: (4 << 20) + 3)
    try tree.addZeros(upTo: 1)
    digest([UInt8](repeating: 7, count: 1 << 20)).withUnsafeBytes { tree.add(chunk: $0) }
    try tree.addZeros(upTo: 4)
    digest([1, 2, 3]).withUnsafeBytes { tree.add(chunk: $0) }
    let digest = try tree.finish()
    #expect(digest.algorithm == .treeSHA256)
    let expected = "5327e6d454a659c0d442a3bf70b2ef86" + "2b2c8e96b4d47503bd9e1c62085375f8"
    #expect(digest.hexadecimal == expected)
  }

  @Test(arguments: [(0, 65536, 0), (65536, 131072, 0), (0, 65536, 65539), (65536, 5, 0), (0, 1, 0)])
  func `bytes between zeros are a chunk with these zeros`(before: Int, length: Int, after: Int) {
    let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 1) }
    let shape = ChunkHasher.Shape(zerosBefore: before, length: length, zerosAfter: after)
    let zeros = { [UInt8](repeating: 0, count: $0) }
    #expect(digest(bytes, shape) == digest(zeros(before) + bytes + zeros(after)))
  }
}
