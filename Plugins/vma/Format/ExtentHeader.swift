package import ArchiveBytes
package import BackupProtocol

/// One cluster in an extent: whose, which, and the blocks of it that are stored.
package struct ExtentSlot: Equatable, Sendable {
  package let device: UInt8
  package let cluster: UInt32
  /// The blocks that are stored; the others are zeros.
  package let mask: BlockMask

  package init(device: UInt8, cluster: UInt32, mask: BlockMask) {
    self.device = device
    self.cluster = cluster
    self.mask = mask
  }

  /// Bytes of its blocks in the archive.
  package var storedBytes: Int { mask.count * Layout.blockBytes }

  var word: UInt64 { UInt64(mask.rawValue) << 48 | UInt64(device) << 32 | UInt64(cluster) }
}

/// The first 512 bytes of an extent.
///
/// ```
/// 0        4        6        8                24               40
/// ┌────────┬────────┬────────┬────────────────┬────────────────┬──────────────┐
/// │ VMAE   │ 0      │ blocks │ identifier     │ MD5            │ 59 slots × 8 │
/// └────────┴────────┴────────┴────────────────┴────────────────┴──────────────┘
/// slot = mask (16), reserved (8), device (8), cluster (32)
/// ```
package struct ExtentHeader {
  /// Slots in use, in the order of their blocks.
  package private(set) var slots: [ExtentSlot] = []

  package init() { slots.reserveCapacity(Layout.slotsMax) }

  /// Blocks of all slots.
  package var blockCount: Int { slots.reduce(0) { $0 + $1.mask.count } }

  /// Forgets the slots.
  package mutating func clear() { slots.removeAll(keepingCapacity: true) }

  /// Adds a slot; at most ``Layout/slotsMax``.
  package mutating func append(_ slot: ExtentSlot) {
    precondition(slots.count < Layout.slotsMax, "an extent has no more slots")
    slots.append(slot)
  }

  /// Takes the place of what was there before.
  ///
  /// - Parameter bytes: 512 of them.
  /// - Throws: E_CORRUPT unless checksum, identifier and counts are right; then there are no slots.
  package mutating func parse(
    _ bytes: RawSpan, of identifier: ArchiveIdentifier
  ) throws(ArchiveError) {
    clear()
    let checksum = Checksum(of: bytes, at: Layout.extentChecksumAt)
    guard checksum == Checksum(writtenAt: Layout.extentChecksumAt, in: bytes) else {
      throw .corrupt("an extent header is damaged: wrong checksum")
    }
    let found = ArchiveIdentifier(
      high: bytes.bigEndian(8, as: UInt64.self), low: bytes.bigEndian(16, as: UInt64.self))
    guard found == identifier else { throw .corrupt("an extent belongs to another archive") }
    guard bytes.bigEndian(0, as: UInt32.self) == Layout.extentMagic,
      bytes.bigEndian(4, as: UInt16.self) == 0
    else { throw .corrupt("malformed extent header") }
    for index in 0..<Layout.slotsMax {
      let word = bytes.bigEndian(Layout.slotsAt + 8 * index, as: UInt64.self)
      let device = UInt8(truncatingIfNeeded: word >> 32)
      if device == 0 { continue }
      slots.append(
        ExtentSlot(
          device: device, cluster: UInt32(truncatingIfNeeded: word),
          mask: BlockMask(rawValue: UInt16(truncatingIfNeeded: word >> 48))))
    }
    guard blockCount == Int(bytes.bigEndian(6, as: UInt16.self)) else {
      clear()
      throw .corrupt("the block count of an extent does not match its masks")
    }
  }

  /// Writes the 512 bytes.
  package func encode(_ identifier: ArchiveIdentifier, into target: inout [UInt8]) {
    precondition(target.count == Layout.extentHeaderBytes, "an extent's header has 512 bytes")
    target.store(Layout.extentMagic, at: 0)
    target.store(UInt16(0), at: 4)
    target.store(UInt16(blockCount), at: 6)
    target.store(identifier.high, at: 8)
    target.store(identifier.low, at: 16)
    for index in 0..<Layout.slotsMax {
      let word = index < slots.count ? slots[index].word : 0
      target.store(word, at: Layout.slotsAt + 8 * index)
    }
    let checksum = Checksum(of: unsafe target.span.bytes, at: Layout.extentChecksumAt)
    target.store(checksum.high, at: Layout.extentChecksumAt)
    target.store(checksum.low, at: Layout.extentChecksumAt + 8)
  }
}
