internal import CLinux
internal import Glibc
internal import JSON
internal import System

/// One file of the chain that a medium stands on, as QEMU names it.
package struct ImageLevel: Equatable, Sendable {
  /// Absolute; `nil` for what is no file.
  package let file: String?
  /// The driver of its node: `raw`, `qcow2`, `file`, …
  package let format: String
  /// What the file holds is encrypted; QEMU decrypts it for whoever reads the disk.
  package let isEncrypted: Bool

  /// Levels that are looked at; Sluice reads no longer chain either.
  private static let levelsMax = 32

  package init(file: String?, format: String, isEncrypted: Bool = false) {
    self.file = file
    self.format = format
    self.isEncrypted = isEncrypted
  }

  /// The chain of a medium, the topmost level first (QEMU `qapi/block-core.json`, `ImageInfo`).
  static func chain(_ image: JSONValue?, _ files: ImageFiles) -> [ImageLevel] {
    var levels: [ImageLevel] = []
    var next = image
    while let level = next, levels.count < levelsMax {
      levels.append(
        ImageLevel(
          file: files.file(level["filename"]?.string), format: level["format"]?.string ?? "",
          isEncrypted: level["encrypted"]?.bool ?? false || level["format"] == "luks"))
      next = level["backing-image"]
    }
    // One that is cut off here is not known.
    return next == nil ? levels : []
  }

  /// At most so many bytes of a disk come from this level; `nil` if nobody can tell: of a block
  /// device, of compressed clusters, of other formats.
  package var contentBytes: Int64? {
    guard let file, ["raw", "file", "qcow2"].contains(format),
      let opened = try? openFile(file, flags: O_RDONLY | O_NONBLOCK),
      let status = try? FileStatus(descriptor: opened.raw, subject: file),
      status.kind == .regular
    else { return nil }
    if format == "qcow2" && ClusterTable(opened.raw)?.hasOnlyPlainClusters != true { return nil }
    return status.storedBytes
  }
}

extension GuestBlockDevice {
  /// Some of the disk lies encrypted in its files, and is read without that.
  package var isEncrypted: Bool { format == "luks" || chain.contains(where: \.isEncrypted) }

  /// At most so many bytes of the disk are data: what its chain has allocated, or its size.
  package var contentBytes: Int64 {
    guard !chain.isEmpty else { return size }
    var sum: Int64 = 0
    for level in chain {
      guard let bytes = level.contentBytes else { return size }
      sum = sum.addingReportingOverflow(bytes).partialValue
      if sum < 0 || sum > size { return size }
    }
    return sum
  }
}

/// The mapping tables of a qcow2 image (QEMU `docs/interop/qcow2.txt`).
struct ClusterTable {
  /// Bytes of tables that are read: those of a disk of 2 TiB with clusters of 64 KiB.
  private static let bytesMax = 256 << 20
  private static let magic: UInt64 = 0x5146_49fb
  /// Features under which the tables are as described here; an image with others is not known:
  /// dirty (0), corrupt (1), compression type (3), extended entries (4).
  private static let knownFeatures: UInt64 = 0b11011
  private static let offsetMask: UInt64 = 0x00ff_ffff_ffff_fe00
  private static let compressed: UInt64 = 1 << 62

  private let file: Int32
  private let clusterBytes: Int
  private let entryBytes: Int
  private let tables: [UInt64]

  /// - Returns: `nil` where the image is not understood.
  init?(_ file: Int32) {
    guard let header = Self.words(file, at: 0, count: 104), header[0] >> 32 == Self.magic else {
      return nil
    }
    let version = header[0] & 0xffff_ffff
    let clusterBits = header[2] & 0xffff_ffff
    let features = version >= 3 ? header[9] : 0
    let count = header[4] & 0xffff_ffff
    guard (2...3).contains(version), (9...21).contains(clusterBits),
      features & ~Self.knownFeatures == 0, (1...(4 << 20)).contains(count),
      let entries = Self.words(file, at: header[5], count: Int(count) * 8)
    else { return nil }
    self.file = file
    clusterBytes = 1 << Int(clusterBits)
    entryBytes = features & 1 << 4 != 0 ? 16 : 8
    tables = entries.map { $0 & Self.offsetMask }.filter { $0 != 0 }
    guard tables.count * clusterBytes <= Self.bytesMax else { return nil }
  }

  /// No cluster is compressed: the file is as large as what it holds.
  var hasOnlyPlainClusters: Bool {
    tables.allSatisfy { table in
      guard let entries = Self.words(file, at: table, count: clusterBytes) else { return false }
      return stride(from: 0, to: entries.count, by: entryBytes / 8)
        .allSatisfy { entries[$0] & Self.compressed == 0 }
    }
  }

  /// Big-endian words.
  private static func words(_ file: Int32, at offset: UInt64, count: Int) -> [UInt64]? {
    guard offset < 1 << 62, let bytes = try? readBytes(file, at: Int64(offset), count: count),
      bytes.count == count
    else { return nil }
    return stride(from: 0, to: count - count % 8, by: 8).map { start in
      bytes[start..<(start + 8)].reduce(0) { $0 << 8 | UInt64($1) }
    }
  }
}
