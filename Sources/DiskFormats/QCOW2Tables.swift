internal import ArchiveBytes

/// Where the clusters of a qcow2 image are, as its tables say.
///
/// Memory: a page of L1, an L2 table.
final class QCOW2Tables {
  /// What an entry of an L2 table says.
  enum Place: Equatable {
    /// Not in this image.
    case nowhere
    /// Zeros, whatever lies below.
    case zeros
    /// As they are, from there on.
    case plain(UInt64)
    /// Compressed, from there on, in so many bytes at most.
    case packed(UInt64, Int)
  }

  let header: QCOW2Header
  private let source: SourceWindow
  private var page: [UInt8] = []
  private var pageStart: UInt64?
  /// The page that cannot be read.
  private var lostPage: UInt64?
  private var table: [UInt8]
  /// The group of clusters whose table is in memory, or known to be absent.
  private var group: UInt64?
  private var isAbsent = false
  /// Tables that may still be fetched: a table that stands for many groups would keep a reader busy
  /// for longer than any file is worth.
  private var fetchesLeft: UInt64 = 0

  init(_ header: QCOW2Header, _ source: SourceWindow) {
    self.header = header
    self.source = source
    table = [UInt8](repeating: 0, count: header.clusterBytes)
    startOver()
  }

  /// The disk is going to be read once more, or a part of it.
  func startOver() {
    // A reader that looks ahead and goes back fetches one more than once.
    fetchesLeft = 16 + 4 * (source.byteCount / UInt64(header.clusterBytes))
  }

  /// Entries of an L2 table.
  var entryCount: UInt64 { UInt64(header.clusterBytes / 8) }

  /// What is at a place of the disk, and for how many bytes: to the end of the cluster, or of the
  /// clusters whose table is absent.
  ///
  /// - Throws: E_CORRUPT; what the source throws.
  func run(at offset: UInt64) throws(ArchiveError) -> (place: Place, byteCount: UInt64) {
    let shift = UInt64(header.l1Shift)
    guard try open(offset >> shift) else {
      return (.nowhere, (offset >> shift + 1) << shift - offset)
    }
    let cluster = UInt64(header.clusterBytes)
    let within = offset % cluster
    let place = try place(of: table.big(UInt64.self, at: Int(offset / cluster % entryCount) * 8))
    switch place {
    case .plain(let start): return (.plain(start + within), cluster - within)
    default: return (place, cluster - within)
    }
  }

  /// Fetches the table of a group of clusters.
  ///
  /// - Returns: `false` if it has none.
  func open(_ number: UInt64) throws(ArchiveError) -> Bool {
    if group == number { return !isAbsent }
    group = nil
    let entry = try l1Entry(number) & QCOW2.offsetMask
    isAbsent = entry == 0
    if !isAbsent {
      guard entry % UInt64(header.clusterBytes) == 0 else {
        throw .corrupt("an L2 table of the qcow2 image is not where a cluster begins")
      }
      guard fetchesLeft > 0 else { throw Self.shared }
      fetchesLeft -= 1
      try source.fill(&table, at: entry, "an L2 table")
    }
    group = number
    return !isAbsent
  }

  /// The entries of the table that ``open(_:)`` has fetched.
  func entry(_ index: Int) -> UInt64 { table.big(UInt64.self, at: 8 * index) }

  /// What an entry means.
  ///
  /// - Throws: E_CORRUPT if it leads out of the file.
  func place(of entry: UInt64) throws(ArchiveError) -> Place {
    if entry & QCOW2.packed != 0 {
      let bits = UInt64(62 - (header.clusterBits - 8))
      let offset = entry & (1 << bits - 1)
      let sectors = (entry & (QCOW2.packed - 1)) >> bits
      guard offset < source.byteCount else { throw Self.cut }
      // The last one may be shorter than its sectors say.
      let most = min((sectors + 1) * 512 - offset % 512, source.byteCount - offset)
      return .packed(offset, Int(min(most, UInt64(2 * header.clusterBytes + 1024))))
    }
    let offset = entry & QCOW2.offsetMask
    if entry & QCOW2.zeros != 0 { return .zeros }
    guard offset != 0 else { return .nowhere }
    guard offset < source.byteCount else { throw Self.cut }
    guard offset % UInt64(header.clusterBytes) == 0 else {
      throw .corrupt("a cluster of the qcow2 image is not where a cluster begins")
    }
    return .plain(offset)
  }

  static let cut = ArchiveError.corrupt("the qcow2 image is truncated inside a cluster")
  static let shared = ArchiveError.corrupt("the qcow2 image uses clusters more than once")

  /// An entry of L1.
  func l1Entry(_ number: UInt64) throws(ArchiveError) -> UInt64 {
    let first = number / Self.pageEntries * Self.pageEntries
    if pageStart != first {
      pageStart = nil
      let count = min(Self.pageEntries, header.l1Entries - first)
      page = [UInt8](repeating: 0, count: Int(count) * 8)
      lostPage = first
      try source.fill(&page, at: header.l1Offset + first * 8, "its L1 table")
      (pageStart, lostPage) = (first, nil)
    }
    return page.big(UInt64.self, at: Int(number - first) * 8)
  }

  private static let pageEntries: UInt64 = 512

  /// Where the part of the disk ends of which nothing is known, after ``run(at:)`` has thrown: what
  /// one L2 table tells, or all of a page of L1.
  func lostEnd(from offset: UInt64) -> UInt64 {
    let number = offset >> UInt64(header.l1Shift)
    let isPageLost = lostPage == number / Self.pageEntries * Self.pageEntries
    let entries = isPageLost ? Self.pageEntries : 1
    return (number / entries + 1) * entries << UInt64(header.l1Shift)
  }
}
