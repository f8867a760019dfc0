package import ArchiveBytes
internal import BackupProtocol

// What is read of a damaged archive. Where an extent cannot be read, the next one is searched for;
// clusters that have not come when the archive ends are lost.
extension ArchivePass {
  /// The next extent of this archive, wherever it begins.
  ///
  /// - Returns: Whether there is one.
  func findExtent(in source: SearchedSource) throws(ArchiveError) -> Bool {
    while true {
      extentOffset = source.position
      let head = try source.readBytes(Layout.extentHeaderBytes)
      if head.count < Layout.extentHeaderBytes, let gap = try source.skipGap() {
        loss = gap.message
        continue
      }
      guard head.count == Layout.extentHeaderBytes else {
        stray.ended(withTail: !head.isEmpty || source.failure != nil)
        loss = source.failure?.message ?? loss ?? "the archive is cut off"
        return false
      }
      do throws(ArchiveError) {
        try parseExtent(unsafe head.span.bytes)
        return true
      } catch {
        loss = error.message
      }
      extent.clear()
      source.putBack(head[1...])
      let identifier = header.identifier
      let isFound = try source.search(for: UInt8(ascii: "V"), count: 24) { bytes in
        Self.isStart(bytes, of: identifier)
      }
      guard isFound else {
        stray.ended(withTail: true)
        return false
      }
      stray.passedOver(source.position - extentOffset)
    }
  }

  /// Whether 24 bytes begin like an extent: the block count is anything.
  private static func isStart(_ bytes: ArraySlice<UInt8>, of identifier: ArchiveIdentifier) -> Bool
  {
    func number(_ range: Range<Int>) -> UInt64 {
      bytes[(bytes.startIndex + range.lowerBound)..<(bytes.startIndex + range.upperBound)]
        .reduce(0) { $0 << 8 | UInt64($1) }
    }
    return number(0..<4) == UInt64(Layout.extentMagic) && number(4..<6) == 0
      && number(8..<16) == identifier.high && number(16..<24) == identifier.low
  }

  /// Reads what is left of a damaged archive.
  ///
  /// - Throws: E_CORRUPT if something was found for which no cluster was given up.
  package func endSalvage() throws(ArchiveError) {
    for device in header.devices where phases[Int(device.id)] == .waiting {
      phases[Int(device.id)] = .passedOver
    }
    repeat {
      while slotIndex < extent.slots.count {
        do throws(ArchiveError) { try setAside(extent.slots[slotIndex]) } catch {
          guard error.isOfArchive else { throw error }
          stray.ended(withTail: true)
          slotIndex = extent.slots.count
        }
      }
    } while try nextExtent()
    try checkMemory()
    if let complaint = stray.complaint { throw .corrupt(complaint) }
  }

  /// Gives up the clusters that are wanted next and have not come.
  ///
  /// - Throws: E_CORRUPT unless the archive is salvaged.
  func giveUp(_ device: ArchiveHeader.Device, to sink: any ClusterSink) throws(ArchiveError) {
    let id = Int(device.id)
    let first = next[id]
    guard salvaged != nil else {
      throw .lacks(first, of: device)
    }
    // Room for more is made by a few; at the archive's end all that are missing are lost.
    let most = isFull ? first + UInt64(ClusterIndex.fewClusters) : .max
    let end = index.firstCluster(of: device.id, in: first..<min(most, device.clusterCount))
    next[id] = end
    isFull = false
    try flushZeros(to: sink)
    guard end > first else { return }
    stray.hasLosses = true
    let bytes = min(end * Cluster.bytes, device.size) - first * Cluster.bytes
    try sink.damaged(bytes, loss ?? "the archive does not contain it")
  }

  /// Delivers or keeps the next slot of the extent. In a salvage an error of the archive's costs
  /// that slot, and the next ones only if it is not known where they are.
  func takeSlotOrLose(
    _ device: ArchiveHeader.Device, to sink: any ClusterSink
  ) throws(ArchiveError) {
    let index = slotIndex
    let end = source.position + UInt64(extent.slots[index].storedBytes)
    do throws(ArchiveError) { try takeSlot(device, to: sink) } catch {
      guard let salvaged, error.isOfArchive else { throw error }
      loss = salvaged.takeReason() ?? error.message
      isFull = error.code == .tooLarge
      if salvaged.position < end { _ = try salvaged.skip(Int(end - salvaged.position)) }
      slotIndex = salvaged.isAdrift ? extent.slots.count : index + 1
    }
  }

  /// As ``deliverKept(_:to:)``. In a salvage an error of the archive's costs that cluster alone.
  func deliverKeptOrLose(
    _ device: ArchiveHeader.Device, to sink: any ClusterSink
  ) throws(ArchiveError) -> Bool {
    do throws(ArchiveError) { return try deliverKept(device, to: sink) } catch {
      guard salvaged != nil, error.isOfArchive else { throw error }
      let cluster = next[Int(device.id)]
      early.drop(index.ticket(device.id, cluster))
      index.remove(device.id, cluster)
      loss = error.message
      try giveUp(device, to: sink)
      return true
    }
  }
}

extension ArchiveError {
  /// Whether it is the archive that is in the way, and not the host.
  fileprivate var isOfArchive: Bool { [.corrupt, .tooLarge, .io].contains(code) }
}
