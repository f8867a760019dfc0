package import ArchiveBytes
package import BackupProtocol

/// Early clusters of an archive that can be read once only: the first of them wait in memory, what
/// is more goes to a scratch file. Each has a place of 64 KiB, which is used again when it is gone;
/// its blocks lie there side by side.
@safe package final class KeptClusters: EarlyPlace {
  /// Places in memory: 16 MiB, more than the parallel jobs of a running QEMU are apart.
  package static let usualWindowCount = 256
  private static let firstTicket: UInt32 = 2
  /// Places in the scratch file: 1.25 TiB.
  private static let scratchCountMax = 20 << 20

  private let scratch: (any ScratchFile)?
  private let windowCount: Int
  private let window: UnsafeMutableRawBufferPointer
  /// What goes to the scratch file passes here.
  private let passage: UnsafeMutableRawBufferPointer
  private var windowFree: [Int]
  private var scratchFree: [Int] = []
  private var masks: [BlockMask]

  /// - Parameters:
  ///   - scratch: `nil` where nobody gave one: then memory must do.
  ///   - windowCount: Clusters in memory.
  package init(scratch: (any ScratchFile)?, windowCount: Int = usualWindowCount) {
    self.scratch = scratch
    self.windowCount = windowCount
    unsafe window = .allocate(byteCount: windowCount * Layout.clusterBytes, alignment: 4096)
    unsafe passage = .allocate(byteCount: Layout.clusterBytes, alignment: 4096)
    windowFree = Array((0..<windowCount).reversed())
    masks = Array(repeating: [], count: windowCount)
  }

  deinit {
    unsafe window.deallocate()
    unsafe passage.deallocate()
  }

  package func keep(
    _ slot: ExtentSlot, extentOffset: UInt64, from source: any ByteSource
  ) throws(ArchiveError) -> UInt32 {
    let place: Int
    if let free = windowFree.popLast() {
      place = free
      try unsafe take(slot.storedBytes, from: source, into: windowPlace(free))
    } else {
      place = try spill(slot.storedBytes, from: source)
    }
    masks[place] = slot.mask
    return UInt32(place) + Self.firstTicket
  }

  package func mask(
    _ ticket: UInt32, device: UInt8, cluster: UInt64
  ) throws(ArchiveError) -> BlockMask { masks[Int(ticket - Self.firstTicket)] }

  package func read(
    _ ticket: UInt32, device: UInt8, cluster: UInt64, into span: inout MutableRawSpan,
    from start: Int, count: Int
  ) throws(ArchiveError) {
    let place = Int(ticket - Self.firstTicket)
    var blocks = unsafe passage
    if place < windowCount {
      unsafe blocks = windowPlace(place)
    } else {
      let stored = masks[place].count * Layout.blockBytes
      try unsafe scratch?.read(
        into: UnsafeMutableRawBufferPointer(rebasing: passage[0..<stored]),
        at: scratchOffset(place))
    }
    let runs = masks[place].runs
    var from = 0
    unsafe span.withUnsafeMutableBytes { target in
      for run in runs {
        let wanted = run.clamped(to: 0..<count).count
        let source = unsafe UnsafeRawBufferPointer(rebasing: blocks[from..<(from + wanted)])
        unsafe UnsafeMutableRawBufferPointer(rebasing: target[(start + run.lowerBound)...])
          .copyMemory(from: source)
        from += run.count
      }
    }
  }

  package func drop(_ ticket: UInt32) {
    let place = Int(ticket - Self.firstTicket)
    if place < windowCount { windowFree.append(place) } else { scratchFree.append(place) }
  }

  private func spill(_ count: Int, from source: any ByteSource) throws(ArchiveError) -> Int {
    guard let scratch else {
      throw ArchiveError(
        .unsupported,
        "the archive's clusters are too far out of order to be read from a stream without a "
          + "scratch file; use an uncompressed file")
    }
    let place = try scratchPlace()
    let room = unsafe UnsafeMutableRawBufferPointer(rebasing: passage[0..<count])
    try unsafe take(count, from: source, into: room)
    try unsafe scratch.write(UnsafeRawBufferPointer(room), at: scratchOffset(place))
    return place
  }

  private func scratchPlace() throws(ArchiveError) -> Int {
    if let place = scratchFree.popLast() { return place }
    guard masks.count - windowCount < Self.scratchCountMax else {
      throw ArchiveError(
        .tooLarge, "too many clusters of the archive are out of order")
    }
    masks.append([])
    return masks.count - 1
  }

  private func take(
    _ count: Int, from source: any ByteSource, into room: UnsafeMutableRawBufferPointer
  ) throws(ArchiveError) {
    let done = try unsafe source.read(
      into: UnsafeMutableRawBufferPointer(rebasing: room[0..<count]))
    guard done == count else { throw .corrupt("the archive ends inside the blocks of an extent") }
  }

  private func windowPlace(_ place: Int) -> UnsafeMutableRawBufferPointer {
    let start = place * Layout.clusterBytes
    return unsafe UnsafeMutableRawBufferPointer(
      rebasing: window[start..<(start + Layout.clusterBytes)])
  }

  private func scratchOffset(_ place: Int) -> UInt64 {
    UInt64(place - windowCount) * UInt64(Layout.clusterBytes)
  }
}
