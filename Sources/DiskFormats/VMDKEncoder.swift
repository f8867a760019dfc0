package import ArchiveBytes
internal import BackupProtocol

/// The bookkeeping of a stream-optimised VMDK: what to write around the grains, and where they are.
///
/// Grains come ascending and each at most once; those that do not come read as zeros. Memory: a
/// table and the directory, 128 KiB for each TiB of the disk.
package struct VMDKEncoder {
  private let header: VMDKHeader
  private let descriptor: [UInt8]
  private let grainCount: UInt64
  /// Sectors so far.
  private var sectors: UInt64 = 0
  private var directory: [UInt32]
  private var table = [UInt32](repeating: 0, count: VMDKLayout.tableGrains)
  /// Of the open table; `nil` if it has no grain.
  private var tableNumber: Int?
  private var nextGrain: UInt64 = 0

  /// - Parameters:
  ///   - name: Of the file, for the descriptor; 255 bytes at most, no quotation mark, no line end.
  ///   - capacityBytes: A multiple of 512, 62 TiB at most.
  ///   - contentID: Any number; differs between disks.
  /// - Throws: E_TOO_LARGE, E_UNSUPPORTED.
  package init(name: String, capacityBytes: UInt64, contentID: UInt32) throws(ArchiveError) {
    try VMDKLayout.check(capacityBytes: capacityBytes)
    guard name.utf8.count <= 255, !name.utf8.contains(where: { $0 < 0x20 || $0 == 0x22 }) else {
      throw ArchiveError(.badJob, "invalid name of a VMDK")
    }
    header = VMDKHeader(capacity: capacityBytes / 512)
    descriptor = VMDKDescriptor.streamOptimized(
      name: name, capacity: header.capacity, contentID: contentID)
    grainCount = (capacityBytes + UInt64(VMDKLayout.grainBytes) - 1) >> 16
    directory = [UInt32](
      repeating: 0, count: VMDKLayout.tableCount(capacityBytes: capacityBytes))
  }

  /// Bytes so far, what was handed out included.
  package var byteCount: UInt64 { sectors * UInt64(VMDKLayout.sectorBytes) }

  /// What the file begins with; to be called first.
  package mutating func start() -> [UInt8] {
    sectors = UInt64(VMDKLayout.overheadSectors)
    let bytes = header.encoded() + descriptor
    return bytes + [UInt8](repeating: 0, count: Int(byteCount) - bytes.count)
  }

  /// What has to be written before a grain: the table of the grains before, or nothing.
  package mutating func beforeGrain(_ grain: UInt64) -> [UInt8] {
    guard let tableNumber, tableNumber != Int(grain / UInt64(VMDKLayout.tableGrains)) else {
      return []
    }
    return closedTable(tableNumber)
  }

  /// Notes a grain that is written now, behind ``beforeGrain(_:)``.
  ///
  /// - Parameter recordBytes: With its marker; a multiple of 512.
  /// - Throws: E_TOO_LARGE if the file could not be completed below 2 TiB.
  package mutating func add(grain: UInt64, recordBytes: Int) throws(ArchiveError) {
    precondition(grain >= nextGrain && grain < grainCount, "grains ascend")
    let end = sectors + UInt64(recordBytes / VMDKLayout.sectorBytes)
    guard end + closingSectors < VMDKLayout.fileSectorsMax else { throw VMDKLayout.tooLarge }
    tableNumber = Int(grain / UInt64(VMDKLayout.tableGrains))
    table[Int(grain % UInt64(VMDKLayout.tableGrains))] = UInt32(sectors)
    sectors = end
    nextGrain = grain + 1
  }

  /// What the file ends with.
  package mutating func finish() -> [UInt8] {
    var bytes = tableNumber.map { closedTable($0) } ?? []
    let size = VMDKLayout.directorySectors(tables: directory.count)
    bytes += Self.marker(sectors: size, type: 2)
    var footer = header
    footer.directoryOffset = sectors + 1
    bytes += Self.words(directory, sectors: size)
    bytes += Self.marker(sectors: 1, type: 3)
    bytes += footer.encoded()
    bytes += Self.marker(sectors: 0, type: 0)
    sectors = footer.directoryOffset + UInt64(size) + 3
    return bytes
  }

  /// The open table, the directory, the footer and the end.
  private var closingSectors: UInt64 {
    UInt64(
      1 + VMDKLayout.tableSectors + 1 + VMDKLayout.directorySectors(tables: directory.count) + 3)
  }

  private mutating func closedTable(_ number: Int) -> [UInt8] {
    let bytes =
      Self.marker(sectors: VMDKLayout.tableSectors, type: 1)
      + Self.words(table, sectors: VMDKLayout.tableSectors)
    directory[number] = UInt32(sectors + 1)
    sectors += UInt64(1 + VMDKLayout.tableSectors)
    for index in table.indices { table[index] = 0 }
    tableNumber = nil
    return bytes
  }

  private static func marker(sectors: Int, type: UInt32) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: VMDKLayout.sectorBytes)
    bytes.put(UInt64(sectors), at: 0)
    bytes.put(type, at: 12)
    return bytes
  }

  private static func words(_ words: [UInt32], sectors: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: sectors * VMDKLayout.sectorBytes)
    for (index, word) in words.enumerated() { bytes.put(word, at: 4 * index) }
    return bytes
  }
}
