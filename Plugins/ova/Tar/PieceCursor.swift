/// Cuts a file into what a sink takes: runs of clusters without data, and pieces of clusters each
/// of which has some.
struct PieceCursor {
  struct Piece {
    /// Bytes of the file; whole clusters but at its end.
    let range: Range<UInt64>
    /// Extents that lie in it, the first and the last maybe in part.
    let extents: Range<Int>
    var hasData: Bool { !extents.isEmpty }

    /// One mask for each cluster: a bit for each block of 4 KiB that has data.
    func masks(_ map: SparseMap) -> [UInt16] {
      let clusters = (range.upperBound - range.lowerBound + 65535) / 65536
      var masks = [UInt16](repeating: 0, count: Int(clusters))
      for index in extents {
        let part = map.extents[index].clamped(to: range)
        let first = Int(part.lowerBound - range.lowerBound) / 4096
        let last = Int(part.upperBound - 1 - range.lowerBound) / 4096
        for block in first...last { masks[block / 16] |= 1 << UInt16(block % 16) }
      }
      return masks
    }
  }

  private static let clusterBytes: UInt64 = 65536

  private let map: SparseMap
  private let pieceBytesMax: UInt64
  private var position: UInt64 = 0
  /// The first extent that ends after the position.
  private var index = 0

  init(_ map: SparseMap, pieceBytesMax: UInt64) {
    self.map = map
    self.pieceBytesMax = pieceBytesMax
  }

  mutating func next() -> Piece? {
    guard position < map.byteCount else { return nil }
    let start = position
    let dataStart = index < map.extents.count ? map.extents[index].lowerBound : map.byteCount
    let zerosEnd =
      index < map.extents.count ? dataStart / Self.clusterBytes * Self.clusterBytes : dataStart
    if zerosEnd > start {
      position = zerosEnd
      return Piece(range: start..<zerosEnd, extents: index..<index)
    }
    let limit = min(start + pieceBytesMax, map.byteCount)
    let first = index
    var (end, last) = (start, index)
    // Every extent that begins before the next cluster's end makes the piece longer.
    while end < limit, last < map.extents.count,
      map.extents[last].lowerBound < end + Self.clusterBytes
    {
      let clusters = (map.extents[last].upperBound + Self.clusterBytes - 1) / Self.clusterBytes
      end = max(end, min(limit, clusters * Self.clusterBytes))
      last += 1
    }
    // What begins in the last cluster belongs to the piece, too.
    while last < map.extents.count, map.extents[last].lowerBound < end { last += 1 }
    position = end
    while index < last, map.extents[index].upperBound <= end { index += 1 }
    return Piece(range: start..<end, extents: first..<last)
  }
}
