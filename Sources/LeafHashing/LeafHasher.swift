internal import CHashing
internal import Hashing

/// SHA-256 of the leaves of a chunk, many at once where the processor can (decision record 0016).
///
/// Where it cannot, libcrypto hashes them one after the other: the digests are the same. One value
/// belongs to one thread. Allocates nothing after `init`.
@safe package struct LeafHasher: ~Copyable {
  private let lanes: OpaquePointer?
  private var hash = SHA256()

  /// Bytes of the longest leaf.
  package static let leafBytesMax = Int(CHASHING_MESSAGE_BYTES_MAX)

  /// Fewer leaves than this are faster one after the other: sixteen lanes take as long for one
  /// message as for sixteen, which is as long as libcrypto takes for five to seven.
  private static let wideLeavesMin = 5

  package init() { unsafe lanes = chashing_lanes_create() }

  deinit { if let lanes = unsafe lanes { unsafe chashing_lanes_end(lanes) } }

  /// Whether several leaves are hashed at once on this machine.
  package var isWide: Bool { unsafe lanes != nil }

  /// Hashes bytes cut into leaves of `leafBytes`, the last one as short as it is.
  ///
  /// - Parameters:
  ///   - bytes: What a caller vouches for; may be empty.
  ///   - leafBytes: 1…``leafBytesMax``.
  ///   - digests: Room for 32 bytes per leaf, which come in the order of the leaves.
  package mutating func hash(
    _ bytes: UnsafeRawBufferPointer, leafBytes: Int, into digests: UnsafeMutableRawPointer
  ) {
    precondition((1...Self.leafBytesMax).contains(leafBytes), "a leaf has 1 byte to 32 KiB")
    if unsafe isHashedWide(bytes, leafBytes, digests) { return }
    for (index, start) in stride(from: 0, to: bytes.count, by: leafBytes).enumerated() {
      let end = min(start + leafBytes, bytes.count)
      unsafe hash.update(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
      unsafe hash.finish(unsafeInto: digests + index * SHA256.byteCount)
    }
  }

  private func isHashedWide(
    _ bytes: UnsafeRawBufferPointer, _ leafBytes: Int, _ digests: UnsafeMutableRawPointer
  ) -> Bool {
    guard let lanes = unsafe lanes, let start = bytes.baseAddress,
      bytes.count > (Self.wideLeavesMin - 1) * leafBytes
    else { return false }
    // Safe because: the library reads exactly these bytes and writes 32 for each leaf.
    return unsafe chashing_lanes_hash(
      lanes, start.assumingMemoryBound(to: UInt8.self), bytes.count, leafBytes,
      digests.assumingMemoryBound(to: UInt8.self)) == 0
  }
}
