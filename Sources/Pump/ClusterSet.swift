internal import BackupProtocol

/// Some of the clusters of a chunk of 1 MiB.
struct ClusterSet: Equatable, Sendable {
  private var bits: UInt16 = 0

  var isEmpty: Bool { bits == 0 }

  /// Adds the clusters of bytes that begin where one begins.
  ///
  /// - Parameter bytes: Inside the chunk; the last cluster may be short.
  mutating func insert(clustersOf bytes: Range<Int>) {
    for cluster in Cluster.range(of: bytes) { bits |= 1 << UInt16(cluster) }
  }

  func contains(_ cluster: Int) -> Bool { bits & 1 << UInt16(cluster) != 0 }

  /// Bytes of neighbouring clusters of which all are in the set, or none.
  struct Run: Equatable {
    var bytes: Range<Int>
    var isInside: Bool
  }

  /// The runs of a chunk, ascending; there are 16 at most.
  ///
  /// - Parameter byteCount: Of the chunk.
  func runs(byteCount: Int) -> [Run] {
    if isEmpty { return [Run(bytes: 0..<byteCount, isInside: false)] }
    var runs: [Run] = []
    for cluster in 0..<Cluster.count(in: byteCount) {
      let end = min((cluster + 1) * Int(Cluster.bytes), byteCount)
      let isInside = contains(cluster)
      if let last = runs.last, last.isInside == isInside {
        runs[runs.count - 1].bytes = last.bytes.lowerBound..<end
      } else {
        runs.append(Run(bytes: cluster * Int(Cluster.bytes)..<end, isInside: isInside))
      }
    }
    return runs
  }
}

extension Cluster {
  /// The clusters that bytes are in, which begin where one begins.
  static func range(of bytes: Range<Int>) -> Range<Int> {
    bytes.lowerBound / Int(Cluster.bytes)..<Cluster.count(in: bytes.upperBound)
  }
}
