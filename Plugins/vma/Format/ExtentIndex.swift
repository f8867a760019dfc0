internal import ArchiveBytes
internal import BackupProtocol

/// Which extents of an archive have clusters of a part of a device.
///
/// A part is 64 clusters. An archive of the usual order has each of them in two or three extents,
/// whatever a device claims to hold costs nothing, and what was met has a bound.
struct ExtentIndex {
  /// Clusters of a part.
  static let partClusters: UInt64 = 64
  /// 8 TiB of clusters that lie together: 72 MiB at most.
  private static let partsMax = 2 << 20
  /// 96 MiB: 16 TiB of clusters in the usual order, 768 GiB of shuffled ones.
  private static let entriesMax = 12 << 20
  /// 32 MiB: 14 TiB of full extents.
  private static let extentsMax = 4 << 20

  /// No entry.
  private static let none = UInt32.max

  private var latest: [UInt64: UInt32] = [:]
  /// An extent's number, and above it the entry before.
  private var entries = Numbers()
  private var offsets = Numbers()

  /// Notes the next extent; its clusters are noted next.
  mutating func add(extentAt offset: UInt64) throws(ArchiveError) {
    guard offsets.count < Self.extentsMax else { throw Self.tooLarge }
    offsets.append(offset)
  }

  /// Notes that the extent that was added last has a cluster.
  mutating func insert(_ device: UInt8, _ cluster: UInt64) throws(ArchiveError) {
    let key = Self.key(device, cluster / Self.partClusters)
    let extent = UInt64(offsets.count - 1)
    let before = latest[key]
    if let before, entries[Int(before)] & UInt64(UInt32.max) == extent { return }
    guard entries.count < Self.entriesMax, before != nil || latest.count < Self.partsMax else {
      throw Self.tooLarge
    }
    latest[key] = UInt32(entries.count)
    entries.append(extent | UInt64(before ?? Self.none) << 32)
  }

  /// What changes when another extent has clusters of a part.
  func version(_ device: UInt8, part: UInt64) -> UInt32 {
    latest[Self.key(device, part)] ?? Self.none
  }

  /// Where the extents begin that have clusters of a part.
  ///
  /// - Returns: `nil` if there are more of them than clusters: one occurs twice.
  func extents(_ device: UInt8, part: UInt64) -> [UInt64]? {
    var found: [UInt64] = []
    var next = version(device, part: part)
    while next != Self.none {
      guard found.count < Int(Self.partClusters) else { return nil }
      let entry = entries[Int(next)]
      found.append(offsets[Int(entry & UInt64(UInt32.max))])
      next = UInt32(entry >> 32)
    }
    return found
  }

  private static func key(_ device: UInt8, _ part: UInt64) -> UInt64 {
    UInt64(device) << 32 | part
  }

  private static var tooLarge: ArchiveError {
    ArchiveError(
      .tooLarge, "the archive is too large, or too disordered, to be read in parts")
  }
}

/// Numbers that only become more, in pieces, so that nothing is copied then.
private struct Numbers {
  private static let pieceCount = 64 << 10

  private var pieces: [[UInt64]] = []
  private(set) var count = 0

  subscript(index: Int) -> UInt64 { pieces[index / Self.pieceCount][index % Self.pieceCount] }

  mutating func append(_ number: UInt64) {
    if count % Self.pieceCount == 0 {
      pieces.append([])
      pieces[pieces.count - 1].reserveCapacity(Self.pieceCount)
    }
    pieces[pieces.count - 1].append(number)
    count += 1
  }
}
