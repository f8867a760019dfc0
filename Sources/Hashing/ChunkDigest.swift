/// The digest of one chunk of a ``TreeDigest``, made of those of its leaves.
///
/// Who hashes the leaves is the caller's: one after the other, or many at once. Allocates nothing
/// after `init`.
package struct ChunkDigest: ~Copyable {
  private var hash = SHA256()

  package init() {}

  /// Adds digests of leaves, in the order of the leaves.
  package mutating func add(leaves digests: UnsafeRawBufferPointer) {
    unsafe hash.update(digests)
  }

  /// Adds leaves of zeros. Only where a chunk ends may the last one be short.
  package mutating func addZeros(_ count: Int) {
    for _ in 0..<(count / TreeDigest.leafBytes) { hash.update(Self.zeroLeaf) }
    // Only where a stream ends in a hole: once a stream at most.
    let rest = count % TreeDigest.leafBytes
    if rest > 0 { hash.update(Self.zeroLeaf(byteCount: rest)) }
  }

  /// Adds leaves that are as in the parent backup.
  package mutating func addUnchanged(leafCount: Int) {
    hash.updateZeros(UInt64(leafCount * SHA256.byteCount))
  }

  /// The digest of all leaves so far, into an array of 32 bytes; the value starts again from
  /// nothing.
  mutating func finish(into digest: inout [UInt8]) { hash.finish(into: &digest) }

  /// The digest of a leaf of `byteCount` zeros.
  private static func zeroLeaf(byteCount: Int) -> [UInt8] {
    var hash = SHA256()
    hash.updateZeros(UInt64(byteCount))
    return hash.finish()
  }

  /// The digest of a whole leaf of zeros.
  private static let zeroLeaf = zeroLeaf(byteCount: TreeDigest.leafBytes)
}
