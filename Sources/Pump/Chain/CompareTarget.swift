package import BackupProtocol
package import BlockSource
internal import Glibc
internal import Hashing
package import SharedPool
package import System

/// Finds out where a disk differs from what its parent archive holds: side by side, forward.
///
/// The parent's bytes are put here; the disk's are read ahead into slots. What comes out is a map,
/// by which the changed clusters are read once more, for the backup: so a comparison needs no
/// memory of its own, and the archive is made as from any other map.
package final class CompareTarget: ReadTarget {
  /// Extents of the map; with small gaps between changes taken for changed where there are more.
  private static let extentsMax = 512 << 10

  private let name: String
  private let size: UInt64
  /// Up to here a cluster can be as in the parent.
  private let comparable: UInt64
  private let ahead: ReadAhead
  private var position: UInt64 = 0
  private var builder: ExtentBuilder
  /// Where the disk has changed; complete after ``finish()``.
  package private(set) var map: [Extent] = []

  /// - Parameters:
  ///   - size: Bytes of the disk.
  ///   - map: Where the disk has data; ascending, covers it.
  ///   - parent: What the increment is bound to.
  ///   - reader: Of the disk, into `pool`, all of whose slots are free; it stays open.
  ///   - rateLimit: Bytes a second that are read of the disk, or `nil`.
  package init(
    name: String, size: UInt64, map: [Extent], parent: ParentBackup.Stream,
    reader: any DiskReader, pool: SharedPool, rateLimit: UInt64? = nil, stallLimit: Double,
    stop: StopSignal
  ) {
    self.name = name
    self.size = size
    let whole = parent.size / Cluster.bytes * Cluster.bytes
    comparable = parent.size == size ? size : min(size, whole)
    builder = ExtentBuilder(size: size, limit: Self.extentsMax)
    ahead = ReadAhead(
      name: name, map: map, reader: reader, pool: pool, rateLimit: rateLimit,
      stallLimit: stallLimit, stop: stop)
  }

  package func put(
    _ bytes: UnsafeRawBufferPointer, masks: Span<BlockMask>, at offset: UInt64
  ) throws(LaneFailure) {
    try unsafe compare(upTo: offset, with: nil, from: 0)
    try unsafe compare(
      upTo: offset + UInt64(bytes.count), with: bytes.baseAddress, from: offset)
  }

  /// Most of a disk is as it was: what is compared in the plugin's memory need not be copied, since
  /// the disk's own bytes are hashed in its place.
  package func same(
    as bytes: UnsafeRawBufferPointer, at offset: UInt64
  ) throws(LaneFailure) -> UnsafeRawPointer? {
    let end = offset + UInt64(bytes.count)
    guard end <= comparable, let theirs = bytes.baseAddress else { return nil }
    try unsafe compare(upTo: offset, with: nil, from: 0)
    let piece = try ahead.piece(at: offset)
    guard piece.offset == offset, piece.end == end, let ours = unsafe piece.bytes(at: offset),
      unsafe memcmp(ours, theirs, bytes.count) == 0, ahead.hold()
    else { return nil }
    append(upTo: end, .unchanged)
    return unsafe ours
  }

  package func release(upTo end: UInt64) { ahead.release(upTo: end) }

  package func finish() throws(LaneFailure) {
    try unsafe compare(upTo: comparable, with: nil, from: 0)
    while position < size {
      let piece = try ahead.piece(at: position)
      append(upTo: piece.end, piece.kind)
    }
    map = builder.finish()
    try settle()
  }

  /// Waits for reads that are in flight: the slots and the reader are somebody else's afterwards.
  package func settle() throws(LaneFailure) { try ahead.settle() }

  /// Goes on to a place of the parent's stream.
  ///
  /// - Parameters:
  ///   - bytes: The parent's, from `start` on; `nil` is zeros.
  private func compare(
    upTo end: UInt64, with bytes: UnsafeRawPointer?, from start: UInt64
  ) throws(LaneFailure) {
    let end = min(end, comparable)
    while position < end {
      let piece = try ahead.piece(at: position)
      let pieceEnd = min(end, piece.end)
      let areZeros = unsafe bytes == nil
      if piece.kind != .data && areZeros {
        append(upTo: pieceEnd, .unchanged)
        continue
      }
      while position < pieceEnd {
        let next = min(pieceEnd, (position / Cluster.bytes + 1) * Cluster.bytes)
        let count = Int(next - position)
        let theirs = unsafe bytes.map { unsafe $0 + Int(position - start) }
        let isSame = unsafe Self.isSame(piece.bytes(at: position), theirs, count)
        append(upTo: next, isSame ? .unchanged : piece.kind)
      }
    }
  }

  private func append(upTo end: UInt64, _ kind: Extent.Kind) {
    builder.add(length: end - position, kind: kind)
    position = end
  }

  /// Whether bytes are the same; `nil` is zeros.
  private static func isSame(
    _ ours: UnsafeRawPointer?, _ theirs: UnsafeRawPointer?, _ count: Int
  ) -> Bool {
    switch unsafe (ours, theirs) {
    case (let ours?, let theirs?): unsafe memcmp(ours, theirs, count) == 0
    case (let bytes?, nil), (nil, let bytes?): unsafe isZero(bytes, count)
    case (nil, nil): true
    }
  }

  private static func isZero(_ bytes: UnsafeRawPointer, _ count: Int) -> Bool {
    // Bytes that are as those before them are all as the first.
    unsafe bytes.load(as: UInt8.self) == 0 && memcmp(bytes, bytes + 1, count - 1) == 0
  }
}
