/// Clusters of 64 KiB that will be written: ascending ranges that do not touch.
package struct ClusterRuns: Equatable, Sendable {
  package private(set) var ranges: [Range<UInt64>] = []
  /// Clusters of all ranges.
  package private(set) var count: UInt64 = 0

  package init() {}

  /// Adds the clusters of some bytes that lie after all bytes added before.
  ///
  /// - Precondition: Ascending order.
  package mutating func append(bytes: Range<UInt64>) {
    guard !bytes.isEmpty else { return }
    var range = (bytes.lowerBound >> 16)..<(((bytes.upperBound - 1) >> 16) + 1)
    if let last = ranges.last, last.upperBound >= range.lowerBound {
      precondition(range.lowerBound >= last.lowerBound, "extents ascend")
      range = last.lowerBound..<max(last.upperBound, range.upperBound)
      count -= UInt64(last.count)
      ranges.removeLast()
    }
    ranges.append(range)
    count += UInt64(range.count)
  }

  /// Groups of so many clusters that have at least one of them.
  package func groupCount(of clusters: UInt64) -> UInt64 {
    var (groups, next): (UInt64, UInt64) = (0, 0)
    for range in ranges {
      let first = max(next, range.lowerBound / clusters)
      let end = (range.upperBound - 1) / clusters + 1
      if end > first { groups += end - first }
      next = max(next, end)
    }
    return groups
  }
}
