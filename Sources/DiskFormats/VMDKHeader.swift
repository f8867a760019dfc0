package import ArchiveBytes
internal import BackupProtocol

/// The header of a sparse extent; the footer has the same form.
package struct VMDKHeader: Equatable, Sendable {
  package var version: UInt32 = 3
  package var flags: UInt32 = VMDKHeader.compressed | VMDKHeader.markers | 1
  /// Sectors of the disk.
  package var capacity: UInt64
  /// Sectors of a grain.
  package var grainSectors: UInt64 = 128
  package var descriptorOffset: UInt64 = 1
  package var descriptorSectors: UInt64 = 20
  /// Entries of a grain table.
  package var tableEntries: UInt32 = 512
  /// Sector of the grain directory, or ``directoryAtEnd``.
  package var directoryOffset: UInt64
  /// Sector of the first grain.
  package var overheadSectors: UInt64 = 128

  package static let byteCount = 512
  package static let directoryAtEnd = UInt64.max
  package static let magic: [UInt8] = [0x4B, 0x44, 0x4D, 0x56]

  static let zeroGrains: UInt32 = 1 << 2
  static let compressed: UInt32 = 1 << 16
  static let markers: UInt32 = 1 << 17

  init(capacity: UInt64, directoryOffset: UInt64 = VMDKHeader.directoryAtEnd) {
    self.capacity = capacity
    self.directoryOffset = directoryOffset
  }

  package var capacityBytes: UInt64 { capacity * 512 }
  package var grainBytes: Int { Int(grainSectors) * 512 }
  /// Whether grains are deflated, each after a marker.
  package var isCompressed: Bool { flags & Self.compressed != 0 }

  /// Reads a header of anybody.
  ///
  /// - Parameter bytes: 512 of them.
  /// - Throws: E_CORRUPT or E_UNSUPPORTED.
  package init(parsing bytes: [UInt8]) throws(ArchiveError) {
    guard bytes.count >= Self.byteCount, Array(bytes[0..<4]) == Self.magic else {
      throw .corrupt("not a sparse VMDK")
    }
    version = bytes.little(UInt32.self, at: 4)
    flags = bytes.little(UInt32.self, at: 8)
    capacity = bytes.little(UInt64.self, at: 12)
    grainSectors = bytes.little(UInt64.self, at: 20)
    descriptorOffset = bytes.little(UInt64.self, at: 28)
    descriptorSectors = bytes.little(UInt64.self, at: 36)
    tableEntries = bytes.little(UInt32.self, at: 44)
    directoryOffset = bytes.little(UInt64.self, at: 56)
    overheadSectors = bytes.little(UInt64.self, at: 64)
    try check(compression: bytes.little(UInt16.self, at: 77))
    if flags & 1 != 0, Array(bytes[73..<77]) != [0x0A, 0x20, 0x0D, 0x0A] {
      throw .corrupt("the VMDK was damaged by a transfer in text mode")
    }
  }

  private func check(compression: UInt16) throws(ArchiveError) {
    guard (1...3).contains(version) else {
      throw ArchiveError(.unsupported, "VMDK of unsupported version \(version)")
    }
    guard capacity > 0, capacity < 1 << 44 else {
      throw .corrupt("VMDK with an invalid capacity of \(capacity) sectors")
    }
    guard grainSectors.nonzeroBitCount == 1, (8...2048).contains(grainSectors) else {
      throw ArchiveError(.unsupported, "VMDK with unsupported grains of \(grainSectors) sectors")
    }
    guard tableEntries.nonzeroBitCount == 1, (128...4096).contains(tableEntries) else {
      throw ArchiveError(.unsupported, "VMDK with unsupported tables of \(tableEntries) entries")
    }
    guard overheadSectors <= 1 << 32, descriptorOffset <= 1 << 32 else {
      throw .corrupt("invalid offset in the header of the VMDK")
    }
    guard compression == (isCompressed ? 1 : 0) || !isCompressed else {
      throw ArchiveError(.unsupported, "VMDK with unsupported compression \(compression)")
    }
  }
}
