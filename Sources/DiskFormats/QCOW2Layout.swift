package import ArchiveBytes
internal import BackupProtocol

/// A qcow2 image that is written from its start to its end: its clusters are known before.
///
/// ```
/// ┌────────┬────────────────┬─────────────────┬────┬──────┬──────┐
/// │ header │ refcount table │ refcount blocks │ L1 │ L2 … │ data │   clusters of 64 KiB
/// └────────┴────────────────┴─────────────────┴────┴──────┴──────┘
/// ```
package struct QCOW2Layout {
  package static let clusterBytes = QCOW2.clusterBytes
  /// Bytes of the largest disk: L1 has 32 MiB at most in QEMU, and we keep to what is tested.
  package static let capacityBytesMax: UInt64 = 62 << 40
  private static let countEntries = QCOW2.countEntries
  private static let tableEntries = QCOW2.tableEntries

  private let capacity: UInt64
  private let runs: ClusterRuns
  private let l1Entries: UInt64
  private let l1Clusters: UInt64
  private let l2Tables: UInt64
  private let countBlocks: UInt64
  private let countClusters: UInt64

  /// - Parameters:
  ///   - capacityBytes: A multiple of 512.
  ///   - runs: The clusters that will follow the metadata, in order, and no others.
  /// - Throws: E_TOO_LARGE, E_UNSUPPORTED.
  package init(capacityBytes: UInt64, runs: ClusterRuns) throws(ArchiveError) {
    guard capacityBytes % 512 == 0 else {
      throw ArchiveError(
        .unsupported, "the size of a qcow2 disk is not a multiple of 512: \(capacityBytes) bytes")
    }
    guard capacityBytes <= Self.capacityBytesMax else {
      throw ArchiveError(.tooLarge, "disk of \(capacityBytes) bytes; the limit of qcow2 is 62 TiB")
    }
    capacity = capacityBytes
    self.runs = runs
    let clusters = QCOW2.ceil(capacityBytes, Self.clusterBytes)
    l1Entries = max(1, QCOW2.ceil(clusters, Self.tableEntries))
    l1Clusters = QCOW2.ceil(l1Entries * 8, Self.clusterBytes)
    l2Tables = runs.groupCount(of: Self.tableEntries)
    let others = 1 + l1Clusters + l2Tables + runs.count
    var (blocks, table): (UInt64, UInt64) = (1, 1)
    while true {
      let next = QCOW2.ceil(others + blocks + table, Self.countEntries)
      let nextTable = QCOW2.ceil(next * 8, Self.clusterBytes)
      if next == blocks && nextTable == table { break }
      (blocks, table) = (next, nextTable)
    }
    (countBlocks, countClusters) = (blocks, table)
  }

  /// Bytes before the data.
  package var metadataBytes: UInt64 {
    (1 + countClusters + countBlocks + l1Clusters + l2Tables) * Self.clusterBytes
  }

  /// Bytes of the file.
  package var byteCount: UInt64 { metadataBytes + runs.count * Self.clusterBytes }

  /// What comes before the data, cluster by cluster.
  package func metadata<Failure: Error>(
    _ body: ([UInt8]) throws(Failure) -> Void
  ) throws(Failure) {
    try body(header)
    let blocksStart = 1 + countClusters
    try words(countClusters, countBlocks, body) { (blocksStart + $0) * Self.clusterBytes }
    try counts(body)
    try l1(body)
    try l2(body)
  }

  private var header: [UInt8] {
    QCOW2HeaderFields(
      capacityBytes: capacity, l1Entries: l1Entries,
      l1Offset: (1 + countClusters + countBlocks) * Self.clusterBytes,
      countTableOffset: Self.clusterBytes, countTableClusters: countClusters
    ).encoded()
  }

  /// So many clusters of big-endian numbers, zeros after the last.
  private func words<Failure: Error>(
    _ clusters: UInt64, _ count: UInt64, _ body: ([UInt8]) throws(Failure) -> Void,
    _ value: (UInt64) -> UInt64
  ) throws(Failure) {
    for cluster in 0..<clusters {
      var bytes = [UInt8](repeating: 0, count: Int(Self.clusterBytes))
      let first = cluster * Self.tableEntries
      if first < count {
        for index in first..<min(count, first + Self.tableEntries) {
          bytes.putBig(value(index), at: Int(index - first) * 8)
        }
      }
      try body(bytes)
    }
  }

  /// Every cluster of the file is used once.
  private func counts<Failure: Error>(
    _ body: ([UInt8]) throws(Failure) -> Void
  ) throws(Failure) {
    let clusters = byteCount / Self.clusterBytes
    for block in 0..<countBlocks {
      var bytes = [UInt8](repeating: 0, count: Int(Self.clusterBytes))
      let used = min(Self.countEntries, clusters - block * Self.countEntries)
      for index in 0..<Int(used) { bytes[2 * index + 1] = 1 }
      try body(bytes)
    }
  }

  private func l1<Failure: Error>(_ body: ([UInt8]) throws(Failure) -> Void) throws(Failure) {
    let start = metadataBytes - l2Tables * Self.clusterBytes
    var walk = GroupWalk(runs, Self.tableEntries)
    var table: UInt64 = 0
    var next = walk.next()
    try words(l1Clusters, l1Entries, body) { index in
      guard next == index else { return 0 }
      next = walk.next()
      table += 1
      return (start + (table - 1) * Self.clusterBytes) | QCOW2.copied
    }
  }

  private func l2<Failure: Error>(_ body: ([UInt8]) throws(Failure) -> Void) throws(Failure) {
    var offset = metadataBytes
    var group: UInt64?
    var bytes = [UInt8](repeating: 0, count: Int(Self.clusterBytes))
    for range in runs.ranges {
      for cluster in range {
        if let group, group != cluster / Self.tableEntries {
          try body(bytes)
          bytes = [UInt8](repeating: 0, count: Int(Self.clusterBytes))
        }
        group = cluster / Self.tableEntries
        bytes.putBig(offset | QCOW2.copied, at: Int(cluster % Self.tableEntries) * 8)
        offset += Self.clusterBytes
      }
    }
    if group != nil { try body(bytes) }
  }
}

/// The groups of clusters that have at least one, ascending.
private struct GroupWalk {
  private let ranges: [Range<UInt64>]
  private let clusters: UInt64
  private var place = 0
  private var least: UInt64 = 0

  init(_ runs: ClusterRuns, _ clusters: UInt64) {
    ranges = runs.ranges
    self.clusters = clusters
  }

  mutating func next() -> UInt64? {
    while place < ranges.count {
      let group = max(least, ranges[place].lowerBound / clusters)
      if group <= (ranges[place].upperBound - 1) / clusters {
        least = group + 1
        return group
      }
      place += 1
    }
    return nil
  }
}
