/// The numbers of the format. Everything is big-endian but the lengths of blobs.
///
/// ```
/// ┌────────────────┬──────────────┬──────────────┬───┐
/// │ header, ≥12288 │ extent       │ extent       │ … │   to the end of the file
/// └────────────────┴──────────────┴──────────────┴───┘
/// extent = 512 bytes (up to 59 slots) and the blocks that its masks count
/// ```
package enum Layout {
  /// Bytes of a block: what a bit of a mask speaks of.
  package static let blockBytes = 4096
  /// Bytes of a cluster: what a slot of an extent speaks of.
  package static let clusterBytes = 65536
  /// Bytes of the header before its blobs.
  package static let fixedHeaderBytes = 12288
  /// Bytes of an extent before its blocks.
  package static let extentHeaderBytes = 512
  /// Slots of an extent.
  package static let slotsMax = 59
  /// Slots that we and the genuine writer use.
  package static let slotsWritten = 58
  /// Configurations the header has places for.
  package static let configsMax = 256
  /// Devices; number 0 is none, and 255 is read by nobody.
  package static let devicesMax = 254
  /// Bytes of a blob: its length is 16 bits wide.
  package static let blobBytesMax = 65535
  /// Bytes of a device: the number of a cluster is 32 bits wide.
  package static let deviceBytesMax: UInt64 = 1 << 48
  /// Bytes of a header that we read; all that can be pointed to takes 50 MiB.
  package static let headerBytesMax = 64 << 20

  static let magic: UInt32 = 0x564D_4100
  static let extentMagic: UInt32 = 0x564D_4145
  static let version: UInt32 = 1
  static let createdAt = 24
  static let checksumAt = 32
  static let blobOffsetAt = 48
  static let configNamesAt = 2044
  static let configDataAt = 3068
  static let devicesAt = 4096
  static let deviceEntryBytes = 32
  static let extentChecksumAt = 24
  static let slotsAt = 40
}

/// The archive's number: raw bytes, repeated in every extent.
package struct ArchiveIdentifier: Equatable, Sendable {
  package let high: UInt64
  package let low: UInt64

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Of version 4: random but for six bits.
  package static func random() -> ArchiveIdentifier {
    let high = UInt64.random(in: .min ... .max)
    let low = UInt64.random(in: .min ... .max)
    return ArchiveIdentifier(
      high: high & ~0xF000 | 0x4000, low: low & ~(0b11 << 62) | 0b10 << 62)
  }
}
