internal import BackupProtocol
internal import Hashing
internal import System

/// The tree digest of a stream, fed with the digests of its chunks in ascending order.
///
/// A chunk is 1 MiB; its digest is the SHA-256 over the SHA-256 of each of its leaves of 32 KiB.
/// The tree's is the SHA-256 over those of all chunks. Chunks of zeros are one constant, so that a
/// hole costs 32 bytes of hashing a MiB. protocol.md §10.
struct TreeDigest: ~Copyable {
  static let chunkBytes: UInt64 = 1 << 20
  static let leafBytes = 32 << 10

  private let size: UInt64
  private let stop: StopSignal?
  private var root = SHA256()
  /// Index of the chunk whose digest comes next.
  private(set) var nextChunk: UInt64 = 0

  /// - Parameters:
  ///   - size: Bytes of the stream.
  ///   - stop: Looked at in holes: one of 8 PiB is 256 GiB of digests.
  init(size: UInt64, stop: StopSignal? = nil) {
    self.size = size
    self.stop = stop
  }

  /// Chunks of the stream; the last may be short.
  var chunkCount: UInt64 { (size + Self.chunkBytes - 1) / Self.chunkBytes }

  /// Bytes of a chunk.
  func byteCount(chunk: UInt64) -> Int { Int(min(Self.chunkBytes, size - chunk * Self.chunkBytes)) }

  /// Adds the digest of the next chunk.
  mutating func add(chunk digest: UnsafeRawBufferPointer) {
    unsafe root.update(digest)
    nextChunk += 1
  }

  /// Adds the digests of all-zero chunks up to, not including, `chunk`.
  mutating func addZeros(upTo chunk: UInt64) throws(LaneFailure) {
    let full = min(chunk, size / Self.chunkBytes)
    while nextChunk < full {
      let count = Int(min(full - nextChunk, UInt64(Self.zeroChunks.count / SHA256.byteCount)))
      unsafe Self.zeroChunks.withUnsafeBytes { block in
        unsafe root.update(UnsafeRawBufferPointer(rebasing: block[0..<(count * SHA256.byteCount)]))
      }
      nextChunk += UInt64(count)
      if let stop, stop.isRequested { throw .cancelled }
    }
    if nextChunk < chunk { addShortZeroChunk() }
  }

  /// The digest; every chunk has been added.
  consuming func finish() throws(LaneFailure) -> Digest {
    try addZeros(upTo: chunkCount)
    return Digest(algorithm: .treeSHA256, bytes: root.finish())
  }

  private mutating func addShortZeroChunk() {
    let digest = Self.zeroChunk(byteCount: byteCount(chunk: nextChunk))
    unsafe digest.withUnsafeBytes { unsafe add(chunk: $0) }
  }

  private static func zeroChunk(byteCount: Int) -> [UInt8] {
    var context = SHA256()
    for _ in 0..<(byteCount / leafBytes) { context.update(zeroLeaf) }
    if byteCount % leafBytes > 0 { context.update(zeroLeaf(byteCount: byteCount % leafBytes)) }
    return context.finish()
  }

  /// The digest of a leaf of `byteCount` zeros.
  static func zeroLeaf(byteCount: Int) -> [UInt8] {
    var context = SHA256()
    context.updateZeros(UInt64(byteCount))
    return context.finish()
  }

  /// The digest of a whole leaf of zeros.
  static let zeroLeaf: [UInt8] = zeroLeaf(byteCount: leafBytes)

  /// Digests of 1024 whole chunks of zeros.
  private static let zeroChunks: [UInt8] = {
    let digest = zeroChunk(byteCount: Int(chunkBytes))
    return Array(repeatElement(digest, count: 1024).joined())
  }()
}
