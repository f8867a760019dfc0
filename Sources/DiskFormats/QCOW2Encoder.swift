package import ArchiveBytes
internal import BackupProtocol

/// The bookkeeping of a qcow2 image that is written once: where clusters go, and what has to be
/// written around them.
///
/// ```
/// ┌────────┬──────────────────────────────────────────┬────┬─────────────────┬────────────────┐
/// │ header │ data, L2 tables, refcount blocks … mixed │ L1 │ refcount blocks │ refcount table │
/// └────────┴──────────────────────────────────────────┴────┴─────────────────┴────────────────┘
/// ```
///
/// Clusters of the disk come ascending and each at most once; the others are not in the image. So
/// an L2 table is complete when the next one begins, and leaves at once. Memory: L1, which is 16
/// KiB for each TiB of the disk, an L2 table, and what ``QCOW2Places`` needs: 42 MiB for the
/// largest disk.
package struct QCOW2Encoder {
  /// Bytes of the largest disk, whose L1 has the 32 MiB that QEMU takes.
  package static let capacityBytesMax: UInt64 = 2 << 50
  /// L2 tables that say nothing but zeros: those of 64 TiB, of 8 GiB altogether.
  package static let zeroTablesMax = 1 << 17
  /// Clusters of the largest file, which the largest refcount table of QEMU counts.
  private static let clustersMax: UInt64 = 1 << 35

  /// Bytes of our own and their place in the file.
  package struct Piece: Equatable, Sendable {
    package let offset: UInt64
    /// A cluster.
    package let bytes: [UInt8]
  }

  /// What the file is above.
  package struct Backing: Equatable, Sendable {
    /// Name of the file, relative to the image; 1…1023 bytes.
    package let name: [UInt8]
    /// Bytes of its disk.
    package let capacityBytes: UInt64

    package init(name: [UInt8], capacityBytes: UInt64) {
      self.name = name
      self.capacityBytes = capacityBytes
    }
  }

  private let capacity: UInt64
  private let backing: Backing?
  private let isZstd: Bool
  /// Clusters in which something would shine through.
  private let coveredClusters: UInt64
  private var places = QCOW2Places()
  private var pieces: [Piece] = []
  private var l1: [UInt64]
  private var table = [UInt64](repeating: 0, count: Int(QCOW2.tableEntries))
  /// The table that is being filled, and what is in it.
  private var open: (number: Int, isUsed: Bool, hasData: Bool)?
  private var zeroTables = 0
  private var nextCluster: UInt64 = 0

  /// - Parameters:
  ///   - capacityBytes: A multiple of 512.
  ///   - backing: `nil` for an image that stands alone.
  ///   - isZstd: What compressed clusters are; else they are deflated.
  /// - Throws: E_TOO_LARGE, E_UNSUPPORTED.
  package init(
    capacityBytes: UInt64, backing: Backing? = nil, isZstd: Bool = false
  ) throws(ArchiveError) {
    try Self.check(capacityBytes: capacityBytes)
    capacity = capacityBytes
    self.backing = backing
    self.isZstd = isZstd
    let clusters = QCOW2.ceil(capacityBytes, QCOW2.clusterBytes)
    // Behind the end of a shorter disk QEMU reads zeros.
    coveredClusters = min(clusters, QCOW2.ceil(backing?.capacityBytes ?? 0, QCOW2.clusterBytes))
    // Without an entry, L1 would be a cluster that nobody uses.
    l1 = [UInt64](repeating: 0, count: max(1, Int(QCOW2.ceil(clusters, QCOW2.tableEntries))))
  }

  /// Refuses a disk that no image can hold.
  ///
  /// - Throws: E_TOO_LARGE, E_UNSUPPORTED.
  package static func check(capacityBytes: UInt64) throws(ArchiveError) {
    guard capacityBytes % 512 == 0 else {
      throw ArchiveError(
        .unsupported, "the size of a qcow2 disk is not a multiple of 512: \(capacityBytes) bytes")
    }
    guard capacityBytes <= capacityBytesMax else {
      throw ArchiveError(.tooLarge, "disk of \(capacityBytes) bytes; the limit of qcow2 is 2 PiB")
    }
  }

  /// Bytes of the file as far as it has come; all of them after ``finish(_:)``.
  package var byteCount: UInt64 { places.next * QCOW2.clusterBytes }

  /// What is to be written now, besides the clusters.
  package mutating func takePieces() -> [Piece] {
    defer { pieces.removeAll(keepingCapacity: true) }
    return pieces
  }

  /// Adds a cluster of the disk as it is.
  ///
  /// - Returns: Where it goes: a multiple of 64 KiB.
  /// - Throws: E_TOO_LARGE.
  package mutating func add(_ cluster: UInt64) throws(ArchiveError) -> UInt64 {
    try begin(cluster)
    let place = places.take()
    set(cluster, place | QCOW2.copied)
    return place
  }

  /// Adds a cluster of the disk that was compressed.
  ///
  /// - Parameter byteCount: 1…65536.
  /// - Returns: Where it goes: where the compressed one before ends, or at a multiple of 64 KiB.
  /// - Throws: E_TOO_LARGE.
  package mutating func add(_ cluster: UInt64, packed byteCount: Int) throws(ArchiveError) -> UInt64
  {
    try begin(cluster)
    let place = places.pack(byteCount)
    // 54 bits of the offset, then the sectors it touches beyond the first.
    let sectors = QCOW2.ceil(place % 512 + UInt64(byteCount), 512) - 1
    set(cluster, place | sectors << 54 | QCOW2.packed)
    return place
  }

  /// Says that clusters are zeros, where otherwise the backing file would be read.
  ///
  /// - Throws: E_TOO_LARGE.
  package mutating func addZeros(_ clusters: Range<UInt64>) throws(ArchiveError) {
    var left = clusters.clamped(to: 0..<coveredClusters)
    while !left.isEmpty {
      let entries = QCOW2.tableEntries
      let end = min(left.upperBound, (left.lowerBound / entries + 1) * entries)
      try begin(left.lowerBound)
      let count = Int(end - left.lowerBound)
      if count == Int(entries) {
        place(Self.zeroTable)
      } else {
        let first = Int(left.lowerBound % entries)
        table.replaceSubrange(
          first..<(first + count), with: repeatElement(QCOW2.zeros.bigEndian, count: count))
        open?.isUsed = true
      }
      nextCluster = end
      left = end..<left.upperBound
    }
  }

  private static let zeroTable = QCOW2.bytes(
    repeatElement(QCOW2.zeros.bigEndian, count: Int(QCOW2.tableEntries)))

  /// Ends the image.
  ///
  /// - Parameter body: Gets what is missing; a cluster of L1 that is zeros is left a hole.
  /// - Returns: The header, to be written when everything else is there.
  package mutating func finish<Failure: Error>(
    _ body: (Piece) throws(Failure) -> Void
  ) throws(Failure) -> Piece {
    closeTable()
    let l1Offset = places.take(QCOW2.ceil(UInt64(l1.count) * 8, QCOW2.clusterBytes))
    closeBlock()
    for piece in takePieces() { try body(piece) }
    let entries = Int(QCOW2.tableEntries)
    for start in stride(from: 0, to: l1.count, by: entries) {
      let part = l1[start..<min(l1.count, start + entries)]
      if part.allSatisfy({ $0 == 0 }) { continue }
      try body(Piece(offset: l1Offset + UInt64(start) * 8, bytes: QCOW2.bytes(part)))
    }
    let counts = places.finish()
    for piece in counts.pieces { try body(piece) }
    let header = QCOW2HeaderFields(
      capacityBytes: capacity, l1Entries: UInt64(l1.count), l1Offset: l1Offset,
      countTableOffset: counts.offset, countTableClusters: counts.clusters, isZstd: isZstd,
      backing: backing?.name)
    return Piece(offset: 0, bytes: header.encoded())
  }

  /// Makes the table of a cluster the open one.
  private mutating func begin(_ cluster: UInt64) throws(ArchiveError) {
    precondition(cluster >= nextCluster && cluster << 16 < capacity, "clusters ascend")
    guard places.next < Self.clustersMax else {
      throw ArchiveError(.tooLarge, "the qcow2 image would have more than 2 PiB")
    }
    let number = Int(cluster / QCOW2.tableEntries)
    guard open?.number != number else { return }
    closeTable()
    guard zeroTables <= Self.zeroTablesMax else {
      throw ArchiveError(
        .tooLarge,
        "more than 64 TiB of the disk have become zeros since the parent backup, the limit of an "
          + "increment; make a full backup")
    }
    open = (number, false, false)
  }

  private mutating func set(_ cluster: UInt64, _ entry: UInt64) {
    table[Int(cluster % QCOW2.tableEntries)] = entry.bigEndian
    open?.isUsed = true
    open?.hasData = true
    nextCluster = cluster + 1
    closeBlock()
  }

  private mutating func closeTable() {
    guard open?.isUsed == true else { return }
    place(QCOW2.bytes(table))
    table.replaceSubrange(0..., with: repeatElement(0, count: table.count))
  }

  /// Gives the open table its place.
  private mutating func place(_ table: [UInt8]) {
    guard let open else { return }
    self.open = nil
    if !open.hasData { zeroTables += 1 }
    let place = places.take()
    l1[open.number] = (place | QCOW2.copied).bigEndian
    pieces.append(Piece(offset: place, bytes: table))
    closeBlock()
  }

  private mutating func closeBlock() {
    if let piece = places.closeFullBlock() { pieces.append(piece) }
  }
}
