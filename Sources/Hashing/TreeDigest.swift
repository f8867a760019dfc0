/// The digest `tree-sha256-32k`: SHA-256 over the digests of the chunks of a stream, of 1 MiB each,
/// which are the SHA-256 over the SHA-256 of each of their leaves, of 32 KiB each.
///
/// A short last leaf counts as it is; a stream of 0 bytes has no chunk at all. What comes is taken
/// in the order of the stream, whose size need not be known: bytes, zeros, or leaves that were
/// hashed elsewhere. Chunks of zeros cost 32 bytes of hashing a MiB, so that a sparse disk of 1 TiB
/// is hashed in milliseconds. Specified in protocol.md §10.2.
///
/// With what is *unchanged* it is the digest `increment-tree-sha256-32k` (protocol.md §10.3).
public struct TreeDigest: ~Copyable {
  /// Bytes of a chunk.
  public static let chunkBytes: UInt64 = 1 << 20
  /// Bytes of a leaf.
  public static let leafBytes = 32 << 10

  /// Bytes that were taken.
  public private(set) var position: UInt64 = 0
  private var leaf = SHA256()
  private var chunk = ChunkDigest()
  private var list = SHA256()
  /// Bytes of the open chunk.
  private var filled = 0
  /// Bytes of the open leaf.
  private var inLeaf = 0
  private var digest = [UInt8](repeating: 0, count: SHA256.byteCount)

  /// Starts with no bytes.
  public init() {}

  /// Adds bytes.
  public mutating func update(_ bytes: RawSpan) {
    var from = 0
    while from < bytes.byteCount {
      let count = min(leafRest, bytes.byteCount - from)
      leaf.update(bytes.extracting(from..<(from + count)))
      advance(count)
      from += count
    }
  }

  /// Adds `count` zero bytes.
  public mutating func updateZeros(_ count: UInt64) {
    var left = count
    while left > 0 {
      if filled == 0 && left >= Self.chunkBytes {
        left -= addChunks(atMost: left / Self.chunkBytes, Self.zeroChunks)
        continue
      }
      if inLeaf == 0 && left >= UInt64(Self.leafBytes) {
        let whole = Int(min(left, Self.chunkBytes - UInt64(filled))) / Self.leafBytes
        chunk.addZeros(whole * Self.leafBytes)
        passLeaves(whole * Self.leafBytes)
        left -= UInt64(whole * Self.leafBytes)
        continue
      }
      let part = Int(min(left, UInt64(leafRest)))
      leaf.updateZeros(UInt64(part))
      advance(part)
      left -= UInt64(part)
    }
  }

  /// The leaves of bytes that begin where one begins.
  package static func leaves(of bytes: Range<Int>) -> Range<Int> {
    bytes.lowerBound / leafBytes..<(bytes.upperBound + leafBytes - 1) / leafBytes
  }

  /// Adds the next leaves by their digests.
  ///
  /// - Parameters:
  ///   - digests: 32 bytes for each leaf.
  ///   - byteCount: Bytes of the leaves, all in one chunk; only the last one of a stream is short.
  package mutating func add(leaves digests: UnsafeRawBufferPointer, byteCount: Int) {
    precondition(inLeaf == 0, "leaves begin inside another")
    precondition(filled + byteCount <= Int(Self.chunkBytes), "leaves of more than one chunk")
    unsafe chunk.add(leaves: digests)
    passLeaves(byteCount)
  }

  /// Adds bytes that are as in the parent: 32 zero bytes in place of the digest of each leaf.
  ///
  /// - Parameter count: Whole clusters of 64 KiB, or up to the stream's end, where the last one
  ///   counts as a whole.
  public mutating func updateUnchanged(_ count: UInt64) {
    precondition(position % UInt64(2 * Self.leafBytes) == 0, "begins inside a cluster")
    var left = count
    while left > 0 {
      if filled == 0 && left >= Self.chunkBytes {
        left -= addChunks(atMost: left / Self.chunkBytes, Self.unchangedChunks)
        continue
      }
      let part = Int(min(left, Self.chunkBytes - UInt64(filled)))
      let clusters = (part + 2 * Self.leafBytes - 1) / (2 * Self.leafBytes)
      chunk.addUnchanged(leafCount: 2 * clusters)
      passLeaves(part)
      left -= UInt64(part)
    }
  }

  /// The digest of all bytes so far (32 bytes); the value starts again from nothing.
  public mutating func finish() -> [UInt8] {
    if inLeaf > 0 { endLeaf() }
    if filled > 0 { endChunk() }
    position = 0
    return list.finish()
  }

  /// Bytes that the leaf still takes.
  private var leafRest: Int { Self.leafBytes - inLeaf }

  private mutating func advance(_ count: Int) {
    inLeaf += count
    if inLeaf == Self.leafBytes { endLeaf() }
    passLeaves(count)
  }

  /// Moves on behind bytes whose leaves the chunk has, or will have.
  private mutating func passLeaves(_ count: Int) {
    position += UInt64(count)
    filled += count
    if filled == Int(Self.chunkBytes) { endChunk() }
  }

  private mutating func endLeaf() {
    inLeaf = 0
    leaf.finish(into: &digest)
    unsafe digest.withUnsafeBytes { unsafe chunk.add(leaves: $0) }
  }

  private mutating func endChunk() {
    chunk.finish(into: &digest)
    list.update(digest)
    filled = 0
  }

  /// Adds some whole chunks that are all the same.
  ///
  /// - Parameter digests: Of so many of them.
  /// - Returns: Their bytes.
  private mutating func addChunks(atMost most: UInt64, _ digests: [UInt8]) -> UInt64 {
    let count = min(most, UInt64(digests.count / SHA256.byteCount))
    unsafe list.update(
      digests.span.bytes.extracting(0..<(Int(count) * SHA256.byteCount)))
    position += count * Self.chunkBytes
    return count * Self.chunkBytes
  }

  /// Digests of 1024 whole chunks of zeros.
  private static let zeroChunks = repeated { $0.addZeros(Int(chunkBytes)) }

  /// Digests of 1024 whole chunks of which nothing has changed.
  private static let unchangedChunks = repeated {
    $0.addUnchanged(leafCount: Int(chunkBytes) / leafBytes)
  }

  private static func repeated(_ fill: (inout ChunkDigest) -> Void) -> [UInt8] {
    var chunk = ChunkDigest()
    var digest = [UInt8](repeating: 0, count: SHA256.byteCount)
    fill(&chunk)
    chunk.finish(into: &digest)
    return Array(repeatElement(digest, count: 1024).joined())
  }
}
