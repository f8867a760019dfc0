package import ArchiveBytes
internal import BackupProtocol

/// Ranges of an archive's devices, in any order, of an archive that has bytes at any place.
///
/// A VMA has no table of its clusters: the headers of its extents are gone through, only as far as
/// is needed to find what is wanted, and noted in an index. What the forward reader demands of
/// extents is checked. What it finds at the archive's end only, or of a cluster that nobody wants,
/// is not looked for. Owned by one thread.
package final class ArchiveRanges {
  private let header: ArchiveHeader
  private let devices: DeviceTable
  private let source: any RandomSource
  private var index = ExtentIndex()
  private var extent = ExtentHeader()
  private var isAtEnd = false
  private var isMemoryLonger = false
  /// Why nothing behind what is noted can be found.
  private var damage: ArchiveError?
  private var part: LoadedPart?
  /// Called with the bytes of each extent that was passed over.
  package var onScan: (Int) -> Void = { _ in }

  /// - Parameter source: Stands behind the header; nobody else moves it.
  package init(_ header: ArchiveHeader, _ source: any RandomSource) {
    self.header = header
    self.source = source
    devices = DeviceTable(header)
  }

  /// Puts a part of a device into the sink.
  ///
  /// - Parameter range: Begins on a multiple of 64 KiB, and ends on one or with the device.
  /// - Throws: E_CORRUPT, E_TOO_LARGE; what source and sink throw.
  package func read(
    _ device: ArchiveHeader.Device, _ range: Range<UInt64>, to sink: any ClusterSink
  ) throws(ArchiveError) {
    if device.isMemory { try checkMemory(device) }
    let bytes = UInt64(Layout.clusterBytes)
    let end = (range.upperBound + bytes - 1) / bytes
    var cluster = range.lowerBound / bytes
    var zeros = range.lowerBound..<range.lowerBound
    while cluster < end {
      let part = try findPart(device, cluster, before: end)
      let run = part.run(from: cluster, before: end, atMost: sink.pieceBytesMax)
      let runEnd = min(range.upperBound, (cluster + UInt64(run.count)) * bytes)
      if run.hasData {
        if !zeros.isEmpty { try sink.zeros(UInt64(zeros.count)) }
        try put(part, cluster, run.count, device, to: sink)
        zeros = runEnd..<runEnd
      } else {
        zeros = zeros.lowerBound..<runEnd
      }
      cluster += UInt64(run.count)
    }
    if !zeros.isEmpty { try sink.zeros(UInt64(zeros.count)) }
  }

  /// Whoever does not want the memory has the disks all the same.
  private func checkMemory(_ memory: ArchiveHeader.Device) throws(ArchiveError) {
    while try scanExtent() {}
    if isMemoryLonger { throw .memoryLonger(memory) }
  }

  private func put(
    _ part: LoadedPart, _ first: UInt64, _ count: Int, _ device: ArchiveHeader.Device,
    to sink: any ClusterSink
  ) throws(ArchiveError) {
    var masks: [BlockMask] = []
    var fill = BlockReads()
    for number in 0..<count {
      let cluster = first + UInt64(number)
      let byteCount = device.byteCount(cluster: cluster)
      guard let place = part[cluster] else { continue }
      masks.append(place.mask.intersection(BlockMask(covering: byteCount)))
      fill.add(place, at: number * Layout.clusterBytes, byteCount: byteCount)
    }
    let byteCount =
      (count - 1) * Layout.clusterBytes
      + device.byteCount(cluster: first + UInt64(count) - 1)
    try sink.data(byteCount, masks: masks.span) { span throws(ArchiveError) in
      for read in fill.reads {
        try source.fill(
          &span, from: read.start, count: read.count, at: read.offset,
          of: "the blocks of an extent")
      }
    }
  }

  // MARK: Finding

  /// The part of a device that a cluster is in; all of the part that is wanted has been found.
  private func findPart(
    _ device: ArchiveHeader.Device, _ cluster: UInt64, before end: UInt64
  ) throws(ArchiveError) -> LoadedPart {
    let number = cluster / ExtentIndex.partClusters
    let wanted = cluster..<min(end, (number + 1) * ExtentIndex.partClusters)
    while true {
      let found = try load(device, number)
      if let twice = found.twice.first(where: { wanted.contains($0) }) {
        throw .occursTwice(twice, of: device)
      }
      guard let missing = wanted.first(where: { found[$0] == nil }) else { return found }
      var goesOn = true
      // The part is looked at again when more of it was found.
      while goesOn, index.version(device.id, part: number) == found.version {
        goesOn = try scanExtent()
      }
      guard goesOn else { throw .lacks(missing, of: device) }
    }
  }

  private func load(
    _ device: ArchiveHeader.Device, _ number: UInt64
  ) throws(ArchiveError) -> LoadedPart {
    let version = index.version(device.id, part: number)
    if let part, part.device == device.id, part.number == number, part.version == version {
      return part
    }
    part = nil
    var loaded = LoadedPart(device: device.id, number: number, version: version)
    guard let offsets = index.extents(device.id, part: number) else {
      throw .corrupt("a cluster of \"\(device.name)\" occurs twice")
    }
    for offset in offsets {
      try readHeader(at: offset)
      var place = offset + UInt64(Layout.extentHeaderBytes)
      for slot in extent.slots {
        loaded.add(slot, at: place)
        place += UInt64(slot.storedBytes)
      }
    }
    part = loaded
    return loaded
  }

  private func readHeader(at offset: UInt64) throws(ArchiveError) {
    var bytes = [512 of UInt8](repeating: 0)
    var span = bytes.mutableSpan
    var raw = unsafe span.mutableBytes
    try source.fill(
      &raw, from: 0, count: Layout.extentHeaderBytes, at: offset,
      of: "an extent that was there before")
    try extent.parse(raw.bytes, of: header.identifier)
  }

  /// Notes the next extent.
  ///
  /// - Returns: Whether there is one.
  private func scanExtent() throws(ArchiveError) -> Bool {
    if let damage { throw damage }
    if isAtEnd { return false }
    do throws(ArchiveError) { try noteExtent() } catch {
      damage = error
      throw error
    }
    return !isAtEnd
  }

  private func noteExtent() throws(ArchiveError) {
    let offset = source.position
    var bytes = [512 of UInt8](repeating: 0)
    var span = bytes.mutableSpan
    let count = try unsafe span.withUnsafeMutableBytes { buffer throws(ArchiveError) in
      try unsafe source.read(into: buffer)
    }
    guard count > 0 else {
      isAtEnd = true
      return
    }
    guard count == Layout.extentHeaderBytes else { throw .endsInside(count) }
    try extent.parse(unsafe span.span.bytes, of: header.identifier)
    // An extent counts as a whole, or not at all.
    for slot in extent.slots where try devices.check(slot) { isMemoryLonger = true }
    try index.add(extentAt: offset)
    for slot in extent.slots {
      let cluster = UInt64(slot.cluster)
      guard let device = devices[slot.device], cluster < device.clusterCount else { continue }
      try index.insert(slot.device, cluster)
    }
    let stored = extent.slots.reduce(0) { $0 + $1.storedBytes }
    try source.pass(stored, of: "the blocks of an extent")
    onScan(stored + Layout.extentHeaderBytes)
  }
}
