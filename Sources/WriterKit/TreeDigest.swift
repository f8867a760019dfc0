internal import Hashing

/// The digest `tree-sha256-32k`: SHA-256 over the digests of the chunks of a stream, of 1 MiB each,
/// which are the SHA-256 over the SHA-256 of each of their leaves, of 32 KiB each.
///
/// A short last leaf counts as it is; a stream of 0 bytes has no chunk at all. Chunks of zeros
/// cost nothing, so that a sparse disk of 1 TiB is hashed in milliseconds.
/// Specified in protocol.md §10.2.
public struct TreeDigest: ~Copyable {
  /// Bytes of a chunk.
  public static let chunkBytes: UInt64 = 1 << 20
  /// Bytes of a leaf.
  public static let leafBytes: UInt64 = 32 << 10

  private var leaf = SHA256()
  private var chunk = SHA256()
  private var list = SHA256()
  /// Bytes of the chunk so far.
  private var filled: UInt64 = 0
  private let zeroChunk: [UInt8]
  private var digest = [UInt8](repeating: 0, count: SHA256.byteCount)

  public init() {
    var zeros = SHA256()
    zeros.updateZeros(Self.leafBytes)
    let zeroLeaf = zeros.finish()
    for _ in 0..<(Self.chunkBytes / Self.leafBytes) { zeros.update(zeroLeaf) }
    zeroChunk = zeros.finish()
  }

  /// Adds bytes.
  public mutating func update(_ bytes: RawSpan) {
    var from = 0
    while from < bytes.byteCount {
      let count = min(Int(leafRest), bytes.byteCount - from)
      leaf.update(bytes.extracting(from..<(from + count)))
      advance(UInt64(count))
      from += count
    }
  }

  /// Adds `count` zero bytes.
  public mutating func updateZeros(_ count: UInt64) {
    var left = count
    while left > 0 {
      if filled == 0 && left >= Self.chunkBytes {
        list.update(zeroChunk)
        left -= Self.chunkBytes
        continue
      }
      let part = min(left, leafRest)
      leaf.updateZeros(part)
      advance(part)
      left -= part
    }
  }

  /// The digest of all bytes so far; the value starts again from nothing.
  public mutating func finish() -> Digest {
    if filled % Self.leafBytes > 0 { endLeaf() }
    if filled > 0 { endChunk() }
    return Digest(algorithm: .treeSHA256, bytes: list.finish())
  }

  /// Bytes that the leaf still takes.
  private var leafRest: UInt64 { Self.leafBytes - filled % Self.leafBytes }

  private mutating func advance(_ count: UInt64) {
    filled += count
    if filled % Self.leafBytes == 0 { endLeaf() }
    if filled == Self.chunkBytes { endChunk() }
  }

  private mutating func endLeaf() {
    leaf.finish(into: &digest)
    chunk.update(digest)
  }

  private mutating func endChunk() {
    chunk.finish(into: &digest)
    list.update(digest)
    filled = 0
  }
}
