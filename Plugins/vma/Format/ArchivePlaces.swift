package import ArchiveBytes
package import BackupProtocol

/// Early clusters of an archive that can be read at any place: they stay where they are. A ticket
/// is the number of an extent; which of its slots it is, is looked up when its turn comes.
package final class ArchivePlaces: EarlyPlace {
  /// Extents with early clusters: 32 MiB of offsets.
  private static let extentsMax = 4 << 20
  private static let firstTicket: UInt32 = 2
  private static let what = "an extent that was there before"

  private let archive: any RandomSource
  private let identifier: ArchiveIdentifier
  private var offsets: [UInt64] = []
  /// The extent that was looked up last; clusters of one extent are asked for together.
  private var extent = ExtentHeader()
  private var extentOffset = UInt64.max

  package init(_ archive: any RandomSource, _ identifier: ArchiveIdentifier) {
    self.archive = archive
    self.identifier = identifier
  }

  package func keep(
    _ slot: ExtentSlot, extentOffset: UInt64, from source: any ByteSource
  ) throws(ArchiveError) -> UInt32 {
    if offsets.last != extentOffset {
      guard offsets.count < Self.extentsMax else {
        throw ArchiveError(
          .tooLarge, "too many extents of the archive are out of order")
      }
      offsets.append(extentOffset)
    }
    try source.pass(slot.storedBytes, of: "the blocks of an extent")
    return UInt32(offsets.count - 1) + Self.firstTicket
  }

  package func mask(
    _ ticket: UInt32, device: UInt8, cluster: UInt64
  ) throws(ArchiveError) -> BlockMask {
    try slot(ticket, device, cluster).slot.mask
  }

  package func read(
    _ ticket: UInt32, device: UInt8, cluster: UInt64, into span: inout MutableRawSpan,
    from start: Int, count: Int
  ) throws(ArchiveError) {
    var (slot, place) = try slot(ticket, device, cluster)
    for run in slot.mask.runs {
      let wanted = run.clamped(to: 0..<count).count
      try archive.fill(&span, from: start + run.lowerBound, count: wanted, at: place, of: Self.what)
      place += UInt64(run.count)
    }
  }

  package func drop(_ ticket: UInt32) {}

  /// The slot of a cluster, and where its blocks begin.
  private func slot(
    _ ticket: UInt32, _ device: UInt8, _ cluster: UInt64
  ) throws(ArchiveError) -> (slot: ExtentSlot, place: UInt64) {
    let offset = offsets[Int(ticket - Self.firstTicket)]
    if offset != extentOffset { try load(offset) }
    var place = offset + UInt64(Layout.extentHeaderBytes)
    for slot in extent.slots {
      if slot.device == device && UInt64(slot.cluster) == cluster { return (slot, place) }
      place += UInt64(slot.storedBytes)
    }
    throw .corrupt("the archive changed while being read")
  }

  private func load(_ offset: UInt64) throws(ArchiveError) {
    extentOffset = UInt64.max
    var bytes = [512 of UInt8](repeating: 0)
    var span = bytes.mutableSpan
    var raw = unsafe span.mutableBytes
    try archive.fill(&raw, from: 0, count: Layout.extentHeaderBytes, at: offset, of: Self.what)
    try extent.parse(raw.bytes, of: identifier)
    extentOffset = offset
  }
}
