/// Tells how much of a qcow2 image lies past the end of its file, as of one that was truncated or
/// half copied.
///
/// Only the end of its reference counts is read: the last cluster that is in use. Whatever the
/// header claims, it takes a table of 8 MiB and some clusters at most.
struct QCOW2Length {
  private static let tableBytesMax = 8 << 20
  /// Blocks of counts that may be empty, from the last one on.
  private static let emptyBlocksMax = 16

  private let clusterBytes: UInt64
  private let countBits: UInt64
  private let tableOffset: UInt64
  private let tableBytes: Int

  /// - Parameter head: The first 104 bytes of the file, or all of a shorter one.
  /// - Returns: `nil` if QEMU would not open it.
  init?(head: [UInt8]) {
    guard head.count >= 72 else { return nil }
    let version = Self.number(head[4..<8])
    let clusterBits = Self.number(head[20..<24])
    let order = version >= 3 && head.count >= 100 ? Self.number(head[96..<100]) : 4
    guard (9...21).contains(clusterBits), order <= 6 else { return nil }
    clusterBytes = 1 << clusterBits
    countBits = 1 << order
    tableOffset = Self.number(head[48..<56])
    tableBytes = Int(min(Self.number(head[56..<60]) << clusterBits, UInt64(Self.tableBytesMax)))
  }

  /// Bytes of clusters in use that lie wholly past `fileBytes`, or 0.
  ///
  /// - Parameter read: Reads up to so many bytes at an offset.
  func missingBytes(
    fileBytes: UInt64, read: (UInt64, Int) throws(SourceError) -> [UInt8]
  ) throws(SourceError) -> UInt64 {
    guard tableOffset < fileBytes else { return missing(tableOffset, fileBytes) }
    let table = try read(tableOffset, tableBytes)
    var looked = 0
    for index in stride(from: table.count / 8 - 1, through: 0, by: -1) {
      let block = Self.number(table[(index * 8)..<(index * 8 + 8)]) & ~511
      guard block != 0 else { continue }
      guard block < fileBytes else { return missing(block, fileBytes) }
      let counts = try read(block, Int(clusterBytes))
      if let last = counts.lastIndex(where: { $0 != 0 }) {
        return missing(cluster(index, byte: last), fileBytes)
      }
      looked += 1
      if looked == Self.emptyBlocksMax { return 0 }
    }
    return 0
  }

  /// Offset of the cluster that a byte of a block of counts belongs to.
  private func cluster(_ block: Int, byte: Int) -> UInt64 {
    let clustersPerBlock = clusterBytes * 8 / countBits
    let (start, overflow) = UInt64(block).multipliedReportingOverflow(by: clustersPerBlock)
    let (offset, isTooFar) = (start &+ UInt64(byte) * 8 / countBits)
      .multipliedReportingOverflow(by: clusterBytes)
    return overflow || isTooFar ? 0 : offset
  }

  private func missing(_ cluster: UInt64, _ fileBytes: UInt64) -> UInt64 {
    guard cluster >= fileBytes else { return 0 }
    return (cluster - fileBytes).addingReportingOverflow(clusterBytes).partialValue
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }
}
