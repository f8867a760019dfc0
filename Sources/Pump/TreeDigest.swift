internal import BackupProtocol
internal import Hashing

/// The tree digest of a stream, fed with leaves in ascending order.
///
/// A leaf is the SHA-256 of 1 MiB; the digest is the SHA-256 over all leaves. Zero chunks are one
/// constant, so that a hole costs 32 bytes of hashing a MiB. protocol.md §10.
struct TreeDigest: ~Copyable {
  static let chunkBytes: UInt64 = 1 << 20

  private let size: UInt64
  private var root = SHA256()
  /// Index of the chunk whose leaf comes next.
  private(set) var nextChunk: UInt64 = 0

  /// - Parameter size: Bytes of the stream.
  init(size: UInt64) { self.size = size }

  /// Chunks of the stream; the last may be short.
  var chunkCount: UInt64 { (size + Self.chunkBytes - 1) / Self.chunkBytes }

  /// Bytes of a chunk.
  func byteCount(chunk: UInt64) -> Int { Int(min(Self.chunkBytes, size - chunk * Self.chunkBytes)) }

  /// Adds the leaf of the next chunk.
  mutating func add(leaf: UnsafeRawBufferPointer) {
    unsafe root.update(leaf)
    nextChunk += 1
  }

  /// Adds the leaves of all-zero chunks up to, not including, `chunk`.
  mutating func addZeros(upTo chunk: UInt64) {
    let full = min(chunk, size / Self.chunkBytes)
    while nextChunk < full {
      let count = Int(min(full - nextChunk, UInt64(Self.zeroLeafBlock.count / 32)))
      unsafe Self.zeroLeafBlock.withUnsafeBytes { block in
        unsafe root.update(UnsafeRawBufferPointer(rebasing: block[0..<(count * 32)]))
      }
      nextChunk += UInt64(count)
    }
    if nextChunk < chunk { addShortZeroLeaf() }
  }

  /// The digest; every chunk has been added.
  consuming func finish() -> Digest {
    addZeros(upTo: chunkCount)
    return Digest(algorithm: .treeSHA256, bytes: root.finish())
  }

  private mutating func addShortZeroLeaf() {
    let leaf = Self.zeroLeaf(byteCount: byteCount(chunk: nextChunk))
    unsafe leaf.withUnsafeBytes { unsafe add(leaf: $0) }
  }

  private static func zeroLeaf(byteCount: Int) -> [UInt8] {
    var context = SHA256()
    context.updateZeros(UInt64(byteCount))
    return context.finish()
  }

  /// 1024 leaves of a full zero chunk.
  private static let zeroLeafBlock: [UInt8] = {
    let leaf = zeroLeaf(byteCount: Int(chunkBytes))
    return Array(repeatElement(leaf, count: 1024).joined())
  }()
}
