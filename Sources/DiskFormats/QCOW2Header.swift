package import ArchiveBytes
internal import BackupProtocol

/// What a qcow2 image says of itself, as far as reading its data needs it.
package struct QCOW2Header: Equatable, Sendable {
  package static let magic: [UInt8] = [0x51, 0x46, 0x49, 0xFB]
  /// Bytes that are parsed.
  static let byteCount = 112

  /// Bytes of the disk.
  package let capacityBytes: UInt64
  /// Whether clusters that are not in it may be in another file.
  package let hasBacking: Bool
  /// Whether it was not closed: refcounts may be wrong, which reading does not need.
  package let isDirty: Bool
  /// Snapshots within it.
  package let snapshots: UInt32
  /// Features that a program which does not know them may pass over, but not leave as they are.
  package let autoclear: UInt64
  let clusterBits: Int
  let l1Entries: UInt64
  let l1Offset: UInt64
  let countTableOffset: UInt64
  let countTableClusters: UInt64
  /// Bits of a refcount, as a power of two.
  let countOrder: UInt32
  /// Whether compressed clusters are zstd, not deflated.
  let isZstd: Bool

  package var clusterBytes: Int { 1 << clusterBits }
  /// Bytes of the disk that an entry of L1 stands for, as a power of two.
  var l1Shift: Int { 2 * clusterBits - 3 }

  /// - Parameters:
  ///   - bytes: 112 of them.
  ///   - isOverlay: It may have a backing file, which is not looked at.
  /// - Throws: E_CORRUPT; E_UNSUPPORTED for what leads to other files, or needs a newer reader.
  package init(parsing bytes: [UInt8], isOverlay: Bool = false) throws(ArchiveError) {
    guard bytes.count >= Self.byteCount, Array(bytes[0..<4]) == Self.magic else {
      throw .corrupt("not a qcow2 image")
    }
    let version = bytes.big(UInt32.self, at: 4)
    guard version == 2 || version == 3 else {
      throw ArchiveError(.unsupported, "qcow2 image of unsupported version \(version)")
    }
    hasBacking = bytes.big(UInt64.self, at: 8) != 0
    guard isOverlay || !hasBacking, bytes.big(UInt32.self, at: 32) == 0 else {
      throw ArchiveError(.unsupported, "qcow2 image with a backing file or encryption")
    }
    isZstd = version == 3 ? try Self.takeFeatures(bytes) : false
    isDirty = version == 3 && bytes.big(UInt64.self, at: 72) & Self.dirtyBit != 0
    autoclear = version == 3 ? bytes.big(UInt64.self, at: 88) : 0
    countOrder = version == 3 ? bytes.big(UInt32.self, at: 96) : 4
    snapshots = bytes.big(UInt32.self, at: 60)
    let bits = bytes.big(UInt32.self, at: 20)
    guard (9...21).contains(bits) else {
      throw .corrupt("qcow2 image with an invalid cluster size of 2^\(bits)")
    }
    clusterBits = Int(bits)
    guard !isOverlay || bits >= 16 else {
      throw ArchiveError(
        .unsupported, "increment with clusters of \(1 << bits) bytes, less than 64 KiB")
    }
    capacityBytes = bytes.big(UInt64.self, at: 24)
    l1Entries = UInt64(bytes.big(UInt32.self, at: 36))
    l1Offset = bytes.big(UInt64.self, at: 40)
    countTableOffset = bytes.big(UInt64.self, at: 48)
    countTableClusters = UInt64(bytes.big(UInt32.self, at: 56))
    let needed = capacityBytes == 0 ? 0 : ((capacityBytes - 1) >> UInt64(l1Shift)) + 1
    guard capacityBytes < 1 << 53, capacityBytes % 512 == 0, l1Entries >= needed,
      l1Offset <= 1 << 56, l1Offset % UInt64(clusterBytes) == 0, needed <= 4 << 20
    else { throw .corrupt("invalid header of the qcow2 image") }
  }

  /// Refuses what no image of a backup has: whoever added it may have changed the disk.
  ///
  /// - Throws: E_UNSUPPORTED, E_CORRUPT.
  package func requirePlain() throws(ArchiveError) {
    guard !isDirty else {
      throw .corrupt("the qcow2 image was not closed; repair it (qemu-img check -r all)")
    }
    guard snapshots == 0 else {
      throw ArchiveError(
        .unsupported,
        "qcow2 image with \(snapshots) internal snapshots; delete them "
          + "(qemu-img snapshot -d)")
    }
    guard autoclear == 0 else {
      throw ArchiveError(
        .unsupported, "qcow2 image with dirty bitmaps; remove them (qemu-img bitmap --remove)")
    }
  }

  /// What a reader has to know about a version 3.
  ///
  /// - Returns: Whether compressed clusters are zstd.
  private static func takeFeatures(_ bytes: [UInt8]) throws(ArchiveError) -> Bool {
    let features = bytes.big(UInt64.self, at: 72)
    let unknown = features & ~(dirtyBit | compressionBit)
    guard unknown == 0 else {
      let names: KeyValuePairs<UInt64, String> = [
        2: "the mark of a corrupt image", 4: "an external data file", 16: "extended L2 entries",
      ]
      let name = names.first { unknown & $0.key != 0 }?.value ?? "unknown features (\(unknown))"
      throw unsupported(name)
    }
    guard features & compressionBit != 0, bytes.big(UInt32.self, at: 100) > 104 else {
      return false
    }
    guard bytes[104] <= 1 else { throw unsupported("compression type \(bytes[104])") }
    return bytes[104] == 1
  }

  private static let dirtyBit: UInt64 = 1
  static let compressionBit: UInt64 = 8

  private static func unsupported(_ what: String) -> ArchiveError {
    ArchiveError(
      .unsupported,
      "qcow2 image with \(what), which is not supported; convert it (qemu-img convert -O qcow2)")
  }
}
