internal import BackupProtocol

/// Cuts a file into what a sink takes: runs of clusters without data, and pieces of clusters each
/// of which has some.
struct PieceCursor {
  struct Piece {
    /// Bytes of the file; whole clusters but at its end.
    let range: Range<UInt64>
    /// Extents that lie in it, the first and the last maybe in part.
    let extents: Range<Int>
    var hasData: Bool { !extents.isEmpty }

    /// One mask for each cluster: the blocks that have data.
    func masks(_ map: SparseMap) -> [BlockMask] {
      var masks = [BlockMask](
        repeating: [], count: Cluster.count(in: Int(range.upperBound - range.lowerBound)))
      for index in extents {
        let part = map.extents[index].clamped(to: range)
        masks.mark(
          Int(part.lowerBound - range.lowerBound)..<Int(part.upperBound - range.lowerBound))
      }
      return masks
    }
  }

  private let map: SparseMap
  private let pieceBytesMax: UInt64
  private var position: UInt64
  /// Where the last piece ends.
  private let fileEnd: UInt64
  /// The first extent that ends after the position.
  private var index: Int

  /// - Parameter range: Of the file: begins where a cluster begins, and ends where one ends or with
  ///   the file. `nil` is all of it.
  init(_ map: SparseMap, _ range: Range<UInt64>? = nil, pieceBytesMax: UInt64) {
    self.map = map
    self.pieceBytesMax = pieceBytesMax
    position = range?.lowerBound ?? 0
    fileEnd = range?.upperBound ?? map.byteCount
    index = range.map { map.firstExtent(endingAfter: $0.lowerBound) } ?? 0
  }

  mutating func next() -> Piece? {
    guard position < fileEnd else { return nil }
    let start = position
    let dataStart = index < map.extents.count ? map.extents[index].lowerBound : fileEnd
    let zerosEnd = dataStart < fileEnd ? dataStart / Cluster.bytes * Cluster.bytes : fileEnd
    if zerosEnd > start {
      position = zerosEnd
      return Piece(range: start..<zerosEnd, extents: index..<index)
    }
    let limit = min(start + pieceBytesMax, fileEnd)
    let first = index
    var (end, last) = (start, index)
    // Every extent that begins before the next cluster's end makes the piece longer.
    while end < limit, last < map.extents.count,
      map.extents[last].lowerBound < end + Cluster.bytes
    {
      let clusters = (map.extents[last].upperBound + Cluster.bytes - 1) / Cluster.bytes
      end = max(end, min(limit, clusters * Cluster.bytes))
      last += 1
    }
    // What begins in the last cluster belongs to the piece, too.
    while last < map.extents.count, map.extents[last].lowerBound < end { last += 1 }
    position = end
    while index < last, map.extents[index].upperBound <= end { index += 1 }
    return Piece(range: start..<end, extents: first..<last)
  }
}
