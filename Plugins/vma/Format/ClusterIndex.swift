internal import ArchiveBytes
internal import BackupProtocol

/// Clusters that came before their turn: for each of them a ticket that says where it is now.
///
/// Pages of 64 clusters, made when the first of them comes and reused when the last is gone: what
/// a device claims to hold costs nothing, what was met costs four bytes a cluster where clusters
/// lie together.
struct ClusterIndex {
  /// No cluster.
  static let absent: UInt32 = 0
  /// A cluster of zeros, which is nowhere.
  static let zeros: UInt32 = 1

  private static let pageClusters = 64
  private static let pagesInChunk = 64
  /// 80 MiB of tickets: 1.2 TiB of clusters that lie together.
  private static let pagesMax = 320 << 10

  /// Clusters that are looked for one by one.
  static let fewClusters = 64

  private var pages: [UInt64: Int] = [:]
  /// Their keys, the first one last; `nil` since a page was added.
  private var order: [UInt64]?
  /// In pieces, so that nothing is copied when there are more.
  private var chunks: [[UInt32]] = []
  /// Tickets in each page.
  private var filled: [UInt8] = []
  private var free: [Int] = []
  private var counts = [UInt64](repeating: 0, count: 256)

  /// Early clusters of a device.
  func count(of device: UInt8) -> UInt64 { counts[Int(device)] }

  /// Notes a cluster.
  ///
  /// - Parameter ticket: Not ``absent``.
  /// - Throws: E_CORRUPT if it was noted before; E_TOO_LARGE if there are too many.
  mutating func insert(
    _ device: UInt8, _ cluster: UInt64, ticket: UInt32
  ) throws(ArchiveError) {
    let page = try page(Self.key(device, cluster))
    let place = Self.place(page, cluster)
    guard chunks[place.chunk][place.offset] == Self.absent else {
      throw .corrupt("cluster \(cluster) of device \(device) occurs twice")
    }
    chunks[place.chunk][place.offset] = ticket
    filled[page] += 1
    counts[Int(device)] += 1
  }

  /// The ticket of a cluster, or ``absent``.
  func ticket(_ device: UInt8, _ cluster: UInt64) -> UInt32 {
    guard counts[Int(device)] > 0, let page = pages[Self.key(device, cluster)] else {
      return Self.absent
    }
    let place = Self.place(page, cluster)
    return chunks[place.chunk][place.offset]
  }

  /// The first of a range of clusters that was noted, or the range's end; ranges of later calls
  /// begin no earlier.
  ///
  /// A device may claim billions of clusters that are not there: they cost no more than those that
  /// are. The pages are sorted once while none is added.
  mutating func firstCluster(of device: UInt8, in range: Range<UInt64>) -> UInt64 {
    guard counts[Int(device)] > 0, !range.isEmpty else { return range.upperBound }
    if range.count <= Self.fewClusters {
      return range.first { ticket(device, $0) != Self.absent } ?? range.upperBound
    }
    let (first, last) = (Self.key(device, range.lowerBound), Self.key(device, range.upperBound - 1))
    if order == nil { order = pages.keys.sorted(by: >) }
    while let key = order?.last, key <= last {
      if key >= first, let cluster = firstCluster(inPage: key, range) { return cluster }
      order?.removeLast()
    }
    return range.upperBound
  }

  private func firstCluster(inPage key: UInt64, _ range: Range<UInt64>) -> UInt64? {
    guard let page = pages[key] else { return nil }
    let start = (key & UInt64(UInt32.max)) * UInt64(Self.pageClusters)
    return (start..<(start + UInt64(Self.pageClusters))).clamped(to: range).first { cluster in
      let place = Self.place(page, cluster)
      return chunks[place.chunk][place.offset] != Self.absent
    }
  }

  /// Forgets a cluster that is there.
  mutating func remove(_ device: UInt8, _ cluster: UInt64) {
    let key = Self.key(device, cluster)
    guard let page = pages[key] else { return }
    let place = Self.place(page, cluster)
    chunks[place.chunk][place.offset] = Self.absent
    counts[Int(device)] -= 1
    filled[page] -= 1
    guard filled[page] == 0 else { return }
    pages[key] = nil
    free.append(page)
  }

  private mutating func page(_ key: UInt64) throws(ArchiveError) -> Int {
    if let page = pages[key] { return page }
    order = nil
    if let page = free.popLast() {
      pages[key] = page
      return page
    }
    let page = filled.count
    guard page < Self.pagesMax else {
      throw ArchiveError(
        .tooLarge, "too many clusters of the archive are out of order")
    }
    if page % Self.pagesInChunk == 0 {
      chunks.append([UInt32](repeating: 0, count: Self.pagesInChunk * Self.pageClusters))
    }
    filled.append(0)
    pages[key] = page
    return page
  }

  private static func key(_ device: UInt8, _ cluster: UInt64) -> UInt64 {
    UInt64(device) << 32 | cluster / UInt64(pageClusters)
  }

  private static func place(_ page: Int, _ cluster: UInt64) -> (chunk: Int, offset: Int) {
    (
      page / pagesInChunk,
      page % pagesInChunk * pageClusters + Int(cluster % UInt64(pageClusters))
    )
  }
}
