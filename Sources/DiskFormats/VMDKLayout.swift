package import ArchiveBytes
internal import BackupProtocol

/// The numbers of a stream-optimised VMDK as it is written here. Everything is little-endian.
///
/// ```
/// ┌────────┬────────────┬───────────────────────────────┬───┬────┬────────┬─────┐
/// │ header │ descriptor │ grains, their table, grains … │ … │ GD │ footer │ end │
/// └────────┴────────────┴───────────────────────────────┴───┴────┴────────┴─────┘
/// ```
package enum VMDKLayout {
  package static let sectorBytes = 512
  /// Bytes of a grain, the last one included.
  package static let grainBytes = 65536
  package static let grainSectors = 128
  /// Grains of a table: 32 MiB of the disk.
  package static let tableGrains = 512
  /// Sectors before the first grain.
  package static let overheadSectors = 128
  package static let descriptorSectors = 20
  /// Bytes of a stored grain with its marker; no grain takes more, as VirtualBox's buffer wants it.
  package static let recordBytesMax = 129 * sectorBytes
  /// Bytes of the largest disk: VMware's limit.
  package static let capacityBytesMax: UInt64 = 62 << 40
  /// Sectors of a file: entries of tables are 32 bits wide.
  package static let fileSectorsMax: UInt64 = 1 << 32

  static let tableSectors = 4
  static let markerBytes = 12

  /// - Throws: E_TOO_LARGE or E_UNSUPPORTED for a disk that a VMDK cannot hold.
  package static func check(capacityBytes: UInt64) throws(ArchiveError) {
    guard capacityBytes > 0, capacityBytes % UInt64(sectorBytes) == 0 else {
      throw ArchiveError(
        .unsupported, "the size of a VMDK disk is not a multiple of 512: \(capacityBytes) bytes")
    }
    guard capacityBytes <= capacityBytesMax else {
      throw ArchiveError(.tooLarge, "disk of \(capacityBytes) bytes; the limit of VMDK is 62 TiB")
    }
  }

  /// Tables of a disk, and so entries of the directory.
  static func tableCount(capacityBytes: UInt64) -> Int {
    let bytes = UInt64(tableGrains * grainBytes)
    return Int((capacityBytes + bytes - 1) / bytes)
  }

  static func directorySectors(tables: Int) -> Int {
    (tables * 4 + sectorBytes - 1) / sectorBytes
  }

  /// Bytes of a file whose grains are all stored, not deflated.
  ///
  /// - Parameter grains: Those that will be written, and no others.
  /// - Throws: E_TOO_LARGE if it reaches 2 TiB.
  package static func storedBytes(
    capacityBytes: UInt64, grains: ClusterRuns
  ) throws(ArchiveError) -> UInt64 {
    try check(capacityBytes: capacityBytes)
    let tables = tableCount(capacityBytes: capacityBytes)
    let used = grains.groupCount(of: UInt64(tableGrains))
    let sectors =
      UInt64(overheadSectors) + 129 * grains.count + UInt64(1 + tableSectors) * used
      + UInt64(1 + directorySectors(tables: tables) + 2 + 1)
    guard sectors < fileSectorsMax else { throw tooLarge }
    return sectors * UInt64(sectorBytes)
  }

  static let tooLarge = ArchiveError(
    .tooLarge, "the disk does not fit into a VMDK file, which is limited to 2 TiB")
}
