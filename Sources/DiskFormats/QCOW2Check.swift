package import ArchiveBytes
internal import BackupProtocol

/// Holds the refcounts of an image against what is used in it: a lost or a doubly used cluster is
/// found, as `qemu-img check` does.
///
/// In constant memory, whatever the size of the file: each use of a cluster adds its weight to a
/// sum, and each count takes it away as often as it says. The weights are pseudo-random, of a key
/// that nobody knows before: what is left of the sum is zero only if both say the same of every
/// cluster.
package struct QCOW2Check {
  private let header: QCOW2Header
  private let source: SourceWindow
  private let tables: QCOW2Tables
  private let key = UInt64.random(in: .min ... .max)
  private var sum: UInt64 = 0

  /// - Parameter reader: Of the image.
  package init(_ reader: QCOW2Reader) {
    header = reader.header
    source = reader.source
    tables = QCOW2Tables(reader.header, reader.source)
  }

  /// Reads all tables.
  ///
  /// - Throws: E_CORRUPT if anything is wrong; E_UNSUPPORTED for refcounts of other than 16 bits.
  package mutating func run() throws(ArchiveError) {
    guard header.countOrder == 4 else {
      throw ArchiveError(.unsupported, "qcow2 image with refcounts of other than 16 bits")
    }
    // The limits of QEMU.
    guard header.l1Entries <= 4 << 20, header.countTableClusters << header.clusterBits <= 8 << 20
    else { throw .corrupt("the tables of the qcow2 image are larger than QEMU allows") }
    add(bytes: 0..<1)
    try addTables()
    try takeCounts()
    guard sum == 0 else {
      throw .corrupt(
        "the refcounts of the qcow2 image are not those of the clusters in use; repair it "
          + "(qemu-img check -r all)")
    }
  }

  private mutating func addTables() throws(ArchiveError) {
    add(bytes: header.l1Offset..<(header.l1Offset + header.l1Entries * 8))
    for number in 0..<header.l1Entries {
      guard try tables.open(number) else { continue }
      let offset = try tables.l1Entry(number) & QCOW2.offsetMask
      add(bytes: offset..<(offset + 1))
      for index in 0..<Int(tables.entryCount) { try addCluster(tables.entry(index)) }
    }
  }

  private mutating func addCluster(_ entry: UInt64) throws(ArchiveError) {
    switch try tables.place(of: entry) {
    case .nowhere: return
    // Zeros may keep a cluster for later.
    case .zeros, .plain:
      let offset = entry & QCOW2.offsetMask
      if offset != 0 { add(bytes: offset..<(offset + 1)) }
    case .packed(let offset, _):
      let sectors = (entry & (QCOW2.packed - 1)) >> UInt64(62 - (header.clusterBits - 8)) + 1
      let start = offset & ~511
      add(bytes: start..<(start + sectors * 512))
    }
  }

  private mutating func takeCounts() throws(ArchiveError) {
    let cluster = UInt64(header.clusterBytes)
    let tableBytes = header.countTableClusters << UInt64(header.clusterBits)
    guard header.countTableOffset % cluster == 0, header.countTableOffset < source.byteCount,
      tableBytes <= source.byteCount - header.countTableOffset
    else { throw .corrupt("the qcow2 image is truncated inside its refcount table") }
    add(bytes: header.countTableOffset..<(header.countTableOffset + tableBytes))
    var table = [UInt8](repeating: 0, count: header.clusterBytes)
    var block = table
    var blocks: UInt64 = 0
    for number in 0..<header.countTableClusters {
      try source.fill(&table, at: header.countTableOffset + number * cluster, "its refcount table")
      for index in 0..<(header.clusterBytes / 8) {
        let place = table.big(UInt64.self, at: 8 * index)
        if place == 0 { continue }
        guard place % cluster == 0, place < source.byteCount else {
          throw .corrupt("a refcount block of the qcow2 image is not where a cluster begins")
        }
        add(bytes: place..<(place + 1))
        blocks += 1
        guard blocks <= source.byteCount / cluster else { throw QCOW2Tables.shared }
        try source.fill(&block, at: place, "a refcount block")
        take(block, of: (number * cluster / 8 + UInt64(index)) * (cluster / 2))
      }
    }
  }

  /// Takes the counts of a block away.
  private mutating func take(_ block: [UInt8], of first: UInt64) {
    for index in 0..<(block.count / 2) {
      let count = UInt64(block[2 * index]) << 8 | UInt64(block[2 * index + 1])
      if count > 0 { sum &-= count &* weight(first + UInt64(index)) }
    }
  }

  /// Adds the clusters that some bytes touch.
  private mutating func add(bytes: Range<UInt64>) {
    if bytes.isEmpty { return }
    for cluster
      in (bytes.lowerBound >> header.clusterBits)...((bytes.upperBound - 1)
      >> header.clusterBits)
    { sum &+= weight(cluster) }
  }

  /// SplitMix64, keyed.
  private func weight(_ cluster: UInt64) -> UInt64 {
    var value = (cluster ^ key) &* 0x9E37_79B9_7F4A_7C15 &+ key
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}
