/// Which clusters of an image that is being written are taken, and how often each is used.
///
/// Clusters are taken in ascending order. Compressed ones are packed, byte by byte, into clusters
/// of their own; one may reach into the next if nobody has taken that. Memory: the counts of two
/// refcount blocks, and 8 bytes for each 2 GiB of the file.
struct QCOW2Places {
  /// The next free cluster; the header has the first.
  private(set) var next: UInt64 = 1
  /// Where the refcount blocks are that were written.
  private(set) var blocks: [UInt64] = []
  /// How often the clusters of the open block, and of the one after it, are used.
  private var counts = [UInt16](repeating: 0, count: 2 * Int(QCOW2.countEntries))
  /// Where the last compressed cluster ends, if there may be room behind it.
  private var packedEnd: UInt64?

  init() { counts[0] = 1 }

  /// Takes some clusters, one behind the other; fewer than a refcount block counts.
  ///
  /// - Returns: Where the first begins.
  mutating func take(_ count: UInt64 = 1) -> UInt64 {
    for cluster in next..<(next + count) { use(cluster) }
    next += count
    return (next - count) * QCOW2.clusterBytes
  }

  /// Takes room for a compressed cluster.
  ///
  /// - Returns: Where it begins: where the one before ends, or at the start of a cluster.
  mutating func pack(_ byteCount: Int) -> UInt64 {
    let unit = QCOW2.clusterBytes
    var start = next * unit
    if let end = packedEnd {
      let isFollowed = QCOW2.ceil(end, unit) != next
      if !isFollowed || UInt64(byteCount) <= QCOW2.ceil(end, unit) * unit - end { start = end }
    }
    let end = start + UInt64(byteCount)
    for cluster in (start / unit)...((end - 1) / unit) { use(cluster) }
    next = max(next, QCOW2.ceil(end, unit))
    packedEnd = end
    return start
  }

  /// Closes the open refcount block if all its clusters are taken.
  ///
  /// - Returns: Where it goes, and what is in it.
  mutating func closeFullBlock() -> QCOW2Encoder.Piece? {
    guard next >= firstOpen + QCOW2.countEntries else { return nil }
    let place = take()
    // Nothing may be added to a cluster whose count is written.
    if let end = packedEnd, (end - 1) / QCOW2.clusterBytes < firstOpen + QCOW2.countEntries {
      packedEnd = nil
    }
    return close(at: place)
  }

  /// Everything else has its place: takes that of the blocks which are missing, and of their table.
  ///
  /// - Returns: The blocks, then the table; where the table is, and its clusters.
  mutating func finish() -> (pieces: [QCOW2Encoder.Piece], offset: UInt64, clusters: UInt64) {
    var (missing, clusters): (UInt64, UInt64) = (0, 0)
    while true {
      let all = QCOW2.ceil(next + missing + clusters, QCOW2.countEntries)
      let need = (all - UInt64(blocks.count), QCOW2.ceil(all * 8, QCOW2.clusterBytes))
      if need == (missing, clusters) { break }
      (missing, clusters) = need
    }
    let start = take(missing)
    let offset = take(clusters)
    var pieces = (0..<missing).map { close(at: start + $0 * QCOW2.clusterBytes) }
    for cluster in 0..<clusters {
      let part = blocks.dropFirst(Int(cluster * QCOW2.tableEntries)).prefix(
        Int(QCOW2.tableEntries))
      pieces.append(
        QCOW2Encoder.Piece(
          offset: offset + cluster * QCOW2.clusterBytes, bytes: QCOW2.bytes(part.map(\.bigEndian))))
    }
    return (pieces, offset, clusters)
  }

  /// The first cluster that the open block counts.
  private var firstOpen: UInt64 { UInt64(blocks.count) * QCOW2.countEntries }

  private mutating func use(_ cluster: UInt64) { counts[Int(cluster - firstOpen)] += 1 }

  private mutating func close(at place: UInt64) -> QCOW2Encoder.Piece {
    let entries = Int(QCOW2.countEntries)
    let full = counts[..<entries].map(\.bigEndian)
    counts.replaceSubrange(..<entries, with: counts[entries...])
    counts.replaceSubrange(entries..., with: repeatElement(0, count: entries))
    blocks.append(place)
    return QCOW2Encoder.Piece(
      offset: place, bytes: unsafe full.withUnsafeBytes { unsafe Array($0) })
  }
}
