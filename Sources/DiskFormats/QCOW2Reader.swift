package import ArchiveBytes
internal import BackupProtocol

/// What a qcow2 image says of itself, as far as reading its data needs it.
package struct QCOW2Header: Equatable, Sendable {
  package static let magic: [UInt8] = [0x51, 0x46, 0x49, 0xFB]

  /// Bytes of the disk.
  package let capacityBytes: UInt64
  let clusterBits: Int
  let l1Entries: UInt64
  let l1Offset: UInt64

  var clusterBytes: Int { 1 << clusterBits }
  /// Bytes of the disk that an entry of L1 stands for, as a power of two.
  var l1Shift: Int { 2 * clusterBits - 3 }

  /// - Parameter bytes: 112 of them.
  /// - Throws: E_CORRUPT; E_UNSUPPORTED for what leads to other files, or needs a newer reader.
  package init(parsing bytes: [UInt8]) throws(ArchiveError) {
    guard bytes.count >= 112, Array(bytes[0..<4]) == Self.magic else {
      throw .corrupt("not a qcow2 image")
    }
    let version = bytes.big(UInt32.self, at: 4)
    guard version == 2 || version == 3 else {
      throw ArchiveError(.unsupported, "qcow2 image of unsupported version \(version)")
    }
    guard bytes.big(UInt64.self, at: 8) == 0, bytes.big(UInt32.self, at: 32) == 0 else {
      throw ArchiveError(.unsupported, "qcow2 image with a backing file or encryption")
    }
    let features = version == 3 ? bytes.big(UInt64.self, at: 72) : 0
    // Bit 0: refcounts may be wrong, which reading does not need.
    guard features & ~1 == 0 else {
      throw ArchiveError(.unsupported, "qcow2 image with unsupported features \(features)")
    }
    let bits = bytes.big(UInt32.self, at: 20)
    guard (9...21).contains(bits) else {
      throw .corrupt("qcow2 image with an invalid cluster size of 2^\(bits)")
    }
    clusterBits = Int(bits)
    capacityBytes = bytes.big(UInt64.self, at: 24)
    l1Entries = UInt64(bytes.big(UInt32.self, at: 36))
    l1Offset = bytes.big(UInt64.self, at: 40)
    let needed = capacityBytes == 0 ? 0 : ((capacityBytes - 1) >> UInt64(l1Shift)) + 1
    guard capacityBytes < 1 << 53, capacityBytes % 512 == 0, l1Entries >= needed,
      l1Offset <= 1 << 56, l1Offset % UInt64(clusterBytes) == 0, needed <= 4 << 20
    else { throw .corrupt("invalid header of the qcow2 image") }
  }
}

/// Reads a qcow2 image that stands alone: data as it is and clusters deflated by zlib.
///
/// Memory: a page of L1, a table, two clusters.
package final class QCOW2Reader {
  package let header: QCOW2Header
  private let source: SourceWindow
  private var page: [UInt8] = []
  private var pageStart: UInt64?

  /// - Throws: E_CORRUPT, E_UNSUPPORTED.
  package init(_ source: SourceWindow) throws(ArchiveError) {
    self.source = source
    var bytes = [UInt8](repeating: 0, count: 112)
    try source.fill(&bytes, at: 0, "the header of a qcow2 image")
    header = try QCOW2Header(parsing: bytes)
  }

  /// Reads the disk.
  ///
  /// - Throws: E_CORRUPT.
  package func read(to sink: any ClusterSink) throws(ArchiveError) {
    let decoder = try GrainDecoder(grainBytes: header.clusterBytes)
    let assembler = ClusterAssembler(sink, capacity: header.capacityBytes)
    let entries = UInt64(header.clusterBytes / 8)
    let clusters = (header.capacityBytes + UInt64(header.clusterBytes) - 1) >> header.clusterBits
    let tables = (clusters + entries - 1) / entries
    guard header.l1Offset + tables * 8 <= source.byteCount else {
      throw .corrupt("the qcow2 image is truncated inside its L1 table")
    }
    var table = [UInt8](repeating: 0, count: header.clusterBytes)
    for number in 0..<tables {
      let place = try l1Entry(number, of: tables) & Self.offsetMask
      if place == 0 { continue }
      try source.fill(&table, at: place, "an L2 table")
      for index in 0..<min(entries, clusters - number * entries) {
        let entry = table.big(UInt64.self, at: 8 * Int(index))
        try readCluster(number * entries + index, entry, decoder, assembler)
      }
    }
    try assembler.finish()
  }

  private static let offsetMask: UInt64 = 0x00FF_FFFF_FFFF_FE00

  private func l1Entry(_ number: UInt64, of tables: UInt64) throws(ArchiveError) -> UInt64 {
    let first = number & ~511
    if pageStart != first {
      page = [UInt8](repeating: 0, count: Int(min(512, tables - first)) * 8)
      try source.fill(&page, at: header.l1Offset + first * 8, "its L1 table")
      pageStart = first
    }
    return page.big(UInt64.self, at: Int(number - first) * 8)
  }

  private func readCluster(
    _ number: UInt64, _ entry: UInt64, _ decoder: GrainDecoder, _ assembler: ClusterAssembler
  ) throws(ArchiveError) {
    if entry & 1 << 62 != 0 {
      let bits = UInt64(62 - (header.clusterBits - 8))
      let offset = entry & (1 << bits - 1)
      let sectors = (entry & (1 << 62 - 1)) >> bits
      let most = Int((sectors + 1) * 512 - offset % 512)
      // The last one may be shorter than its sectors say.
      let there = offset < source.byteCount ? source.byteCount - offset : 0
      let count = min(most, Int(min(there, UInt64(2 * header.clusterBytes + 1024))))
      try unsafe fill(UnsafeMutableRawBufferPointer(rebasing: decoder.input[..<count]), at: offset)
      try decoder.inflateRaw(0..<count)
    } else {
      let offset = entry & Self.offsetMask
      if offset == 0 || entry & 1 != 0 { return }
      let left = header.capacityBytes - (number << UInt64(header.clusterBits))
      let count = Int(min(UInt64(header.clusterBytes), left))
      try unsafe fill(UnsafeMutableRawBufferPointer(rebasing: decoder.grain[..<count]), at: offset)
    }
    try unsafe assembler.put(
      UnsafeRawBufferPointer(decoder.grain), at: number << UInt64(header.clusterBits))
  }

  private func fill(
    _ buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(ArchiveError) {
    guard try unsafe source.read(into: buffer, at: offset) == buffer.count else {
      throw .corrupt("the qcow2 image is truncated inside a cluster")
    }
  }
}
