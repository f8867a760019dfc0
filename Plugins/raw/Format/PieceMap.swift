import WriterKit

/// What comes next in a file: a hole of whole clusters, or a piece with data and its masks.
struct PieceMap {
  /// Bytes of the hole; 0 if data comes first.
  private(set) var holeBytes: UInt64 = 0
  /// Bytes of the piece: clusters that each have data, up to the end.
  private(set) var dataBytes = 0

  /// Looks at the file from `start`, a multiple of 64 KiB.
  ///
  /// - Parameters:
  ///   - end: Where to stop looking.
  ///   - countMax: Bytes of the largest piece, a multiple of 64 KiB.
  ///   - masks: Becomes the piece's: blocks that lie in a hole are left out.
  init(
    _ file: borrowing InputFile, from start: UInt64, end: UInt64, countMax: Int,
    masks: inout [BlockMask]
  ) throws(PluginError) {
    masks.removeAll(keepingCapacity: true)
    let cluster = Cluster.bytes
    guard var data = try file.nextData(from: start, end: end) else {
      holeBytes = end - start
      return
    }
    holeBytes = data.lowerBound / cluster * cluster - start
    guard holeBytes == 0 else { return }
    let limit = min(end, start + UInt64(countMax))
    var pieceEnd = start
    while data.lowerBound < limit && data.lowerBound / cluster * cluster <= pieceEnd {
      let part = data.clamped(to: data.lowerBound..<limit)
      masks.mark(Int(part.lowerBound - start)..<Int(part.upperBound - start))
      pieceEnd = min(limit, (part.upperBound + cluster - 1) / cluster * cluster)
      guard part.upperBound < limit,
        let next = try file.nextData(from: part.upperBound, end: end)
      else { break }
      data = next
    }
    dataBytes = Int(pieceEnd - start)
  }
}
