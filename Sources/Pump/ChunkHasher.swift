internal import Hashing
internal import LeafHashing

/// Hashes chunks of the tree digest: their leaves, many at once, and then what these became.
///
/// One value belongs to one thread. Allocates nothing after `init`.
@safe struct ChunkHasher: ~Copyable {
  /// A chunk as it lies in a slot: zeros, bytes, zeros. The bytes begin at a whole leaf, and end at
  /// one unless the stream ends with them (protocol.md §6: frames are whole clusters).
  struct Shape: BitwiseCopyable {
    var zerosBefore = 0
    var length = 0
    var zerosAfter = 0
  }

  private var leaves = LeafHasher()
  private var chunk = SHA256()
  private let digests: UnsafeMutableRawBufferPointer

  init() {
    let leafCount = Int(TreeDigest.chunkBytes) / TreeDigest.leafBytes
    unsafe digests = .allocate(byteCount: leafCount * SHA256.byteCount, alignment: 64)
  }

  deinit { unsafe digests.deallocate() }

  /// Hashes a chunk of which `bytes` are those that lie between the zeros.
  ///
  /// - Parameter digest: 32 bytes.
  mutating func hash(
    _ shape: Shape, _ bytes: UnsafeRawBufferPointer, into digest: UnsafeMutableRawPointer
  ) {
    addZeros(shape.zerosBefore)
    unsafe leaves.hash(bytes, leafBytes: TreeDigest.leafBytes, into: digests.baseAddress!)
    let leafCount = (bytes.count + TreeDigest.leafBytes - 1) / TreeDigest.leafBytes
    unsafe chunk.update(
      UnsafeRawBufferPointer(rebasing: digests[0..<(leafCount * SHA256.byteCount)]))
    addZeros(shape.zerosAfter)
    unsafe chunk.finish(unsafeInto: digest)
  }

  private mutating func addZeros(_ count: Int) {
    for _ in 0..<(count / TreeDigest.leafBytes) { chunk.update(TreeDigest.zeroLeaf) }
    // Only where a stream ends in a hole: once a stream at most.
    let rest = count % TreeDigest.leafBytes
    if rest > 0 { chunk.update(TreeDigest.zeroLeaf(byteCount: rest)) }
  }
}
