internal import Hashing

/// The digest `tree-sha256-1m`: SHA-256 over the SHA-256 of each 1 MiB of a stream.
///
/// A short last chunk counts as it is; a stream of 0 bytes has no chunk at all. Chunks of zeros
/// cost nothing, so that a sparse disk of 1 TiB is hashed in milliseconds.
/// Specified in protocol.md §10.2.
public struct TreeDigest: ~Copyable {
  /// Bytes of a chunk.
  public static let chunkBytes: UInt64 = 1 << 20

  private var chunk = SHA256()
  private var list = SHA256()
  private var filled: UInt64 = 0
  private let zeroChunk: [UInt8]
  private var chunkDigest = [UInt8](repeating: 0, count: SHA256.byteCount)

  public init() {
    var zeros = SHA256()
    zeros.updateZeros(Self.chunkBytes)
    zeroChunk = zeros.finish()
  }

  /// Adds bytes.
  public mutating func update(_ bytes: RawSpan) {
    var from = 0
    while from < bytes.byteCount {
      let count = min(Int(Self.chunkBytes - filled), bytes.byteCount - from)
      chunk.update(bytes.extracting(from..<(from + count)))
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
      let part = min(left, Self.chunkBytes - filled)
      chunk.updateZeros(part)
      advance(part)
      left -= part
    }
  }

  /// The digest of all bytes so far; the value starts again from nothing.
  public mutating func finish() -> Digest {
    if filled > 0 { endChunk() }
    return Digest(algorithm: .treeSHA256, bytes: list.finish())
  }

  private mutating func advance(_ count: UInt64) {
    filled += count
    if filled == Self.chunkBytes { endChunk() }
  }

  private mutating func endChunk() {
    chunk.finish(into: &chunkDigest)
    list.update(chunkDigest)
    filled = 0
  }
}
