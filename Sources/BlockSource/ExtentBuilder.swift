package import BackupProtocol

/// Makes a map of whole clusters out of runs of any length, given in order.
///
/// A cluster that holds a byte of data is data; one of zeros and holes is zero.
/// The map never has more than `limit` extents: beyond that, ever longer holes count as data,
/// which costs reads of zeros but is as true.
package struct ExtentBuilder {
  private let size: UInt64
  private let limit: Int
  private var extents: [Extent] = []
  /// Holes shorter than this count as data when there are too many extents.
  private var bridgedBytes = 2 * Cluster.bytes
  /// What the begun cluster is so far.
  private var begunKind = Extent.Kind.hole
  /// Where the next run starts.
  package private(set) var position: UInt64 = 0

  /// - Parameters:
  ///   - size: Bytes of the disk.
  ///   - limit: Extents, at least 4. 256 Ki of them take 6 MiB.
  package init(size: UInt64, limit: Int = 256 << 10) {
    self.size = size
    self.limit = limit
  }

  /// Appends a run; what lies beyond the end of the disk is cut.
  ///
  /// - Parameter kind: Of a cluster of several kinds that counts which has the least number: data
  ///   first.
  package mutating func add(length: UInt64, kind: Extent.Kind) {
    let end = position + min(length, size - position)
    var start = position
    position = end
    if start % Cluster.bytes != 0 {
      if kind.rawValue < begunKind.rawValue { begunKind = kind }
      let clusterStart = start - start % Cluster.bytes
      guard end - clusterStart >= Cluster.bytes else { return }
      start = clusterStart + Cluster.bytes
      emit(to: start, begunKind)
    }
    let whole = end - end % Cluster.bytes
    if whole > start { emit(to: whole, kind) }
    if end > whole { begunKind = kind }
  }

  /// The map, which covers [0, size) exactly; runs never given count as data.
  package mutating func finish() -> [Extent] {
    if position < size { add(length: size - position, kind: .data) }
    if size % Cluster.bytes != 0 { emit(to: size, begunKind) }
    return extents
  }

  private mutating func emit(to end: UInt64, _ kind: Extent.Kind) {
    extents.append(upTo: end, kind)
    guard extents.count >= limit else { return }
    coarsen()
    // Room for as many again, so that a pass over all of them stays rare.
    while extents.count > limit / 2 {
      bridgedBytes *= 2
      coarsen()
    }
  }

  private mutating func coarsen() {
    let fine = extents
    extents.removeAll(keepingCapacity: true)
    for extent in fine {
      extents.append(upTo: extent.end, extent.length < bridgedBytes ? .data : extent.kind)
    }
  }
}
