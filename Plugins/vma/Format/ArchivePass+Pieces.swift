internal import ArchiveBytes
internal import BackupProtocol

extension ArchivePass {
  /// Delivers the clusters that come now, in turn and side by side, as one piece: straight from
  /// the source to where the sink wants them.
  func deliverRun(
    _ device: ArchiveHeader.Device, to sink: any ClusterSink
  ) throws(ArchiveError) {
    let id = Int(device.id)
    let first = next[id]
    // A piece is lost as a whole.
    let most = salvaged == nil ? sink.pieceBytesMax / Layout.clusterBytes : 1
    var (clusters, bytes) = (0, 0)
    masks.removeAll(keepingCapacity: true)
    while clusters < most, slotIndex + clusters < extent.slots.count {
      let slot = extent.slots[slotIndex + clusters]
      let cluster = first + UInt64(clusters)
      // A memory may go on behind its end.
      guard slot.device == device.id, UInt64(slot.cluster) == cluster, !slot.mask.isEmpty,
        cluster < device.clusterCount
      else { break }
      let count = device.byteCount(cluster: cluster)
      masks.append(slot.mask.intersection(BlockMask(covering: count)))
      bytes += count
      clusters += 1
    }
    try flushZeros(to: sink)
    let masks = self.masks
    try sink.data(bytes, masks: masks.span) { span throws(ArchiveError) in
      try fill(&span, clusters: clusters, device, first)
    }
    next[id] += UInt64(clusters)
    slotIndex += clusters
  }

  /// Reads blocks: runs that go on in the next cluster are one read.
  private func fill(
    _ span: inout MutableRawSpan, clusters: Int, _ device: ArchiveHeader.Device, _ first: UInt64
  ) throws(ArchiveError) {
    var (start, count) = (0, 0)
    for cluster in 0..<clusters {
      let inside = 0..<device.byteCount(cluster: first + UInt64(cluster))
      for run in extent.slots[slotIndex + cluster].mask.runs {
        let place = cluster * Layout.clusterBytes + run.lowerBound
        let wanted = run.clamped(to: inside).count
        if place != start + count {
          try read(into: &span, start, count)
          (start, count) = (place, 0)
        }
        count += wanted
        guard wanted < run.count else { continue }
        // The padding of the device's last block, and what may come behind it.
        try read(into: &span, start, count)
        (start, count) = (place + run.count, 0)
        try source.pass(run.count - wanted, of: "the blocks of an extent")
      }
    }
    try read(into: &span, start, count)
  }

  private func read(
    into span: inout MutableRawSpan, _ start: Int, _ count: Int
  ) throws(ArchiveError) {
    if count == 0 { return }
    try source.fill(&span, from: start, count: count, of: "the blocks of an extent")
  }

  /// Delivers clusters that came before their turn, if the next one did.
  ///
  /// - Returns: Whether it did.
  func deliverKept(
    _ device: ArchiveHeader.Device, to sink: any ClusterSink
  ) throws(ArchiveError) -> Bool {
    let id = Int(device.id)
    let first = next[id]
    let ticket = index.ticket(device.id, first)
    guard ticket != ClusterIndex.absent else { return false }
    guard ticket != ClusterIndex.zeros else {
      addZeros(device.byteCount(cluster: first))
      index.remove(device.id, first)
      next[id] += 1
      return true
    }
    let (clusters, bytes) = try keptRun(device, from: first, atMost: sink.pieceBytesMax)
    try flushZeros(to: sink)
    let masks = self.masks
    try sink.data(bytes, masks: masks.span) { span throws(ArchiveError) in
      for number in 0..<clusters {
        let cluster = first + UInt64(number)
        try early.read(
          index.ticket(device.id, cluster), device: device.id, cluster: cluster, into: &span,
          from: number * Layout.clusterBytes, count: device.byteCount(cluster: cluster))
      }
    }
    for cluster in first..<(first + UInt64(clusters)) {
      early.drop(index.ticket(device.id, cluster))
      index.remove(device.id, cluster)
    }
    next[id] += UInt64(clusters)
    return true
  }

  /// Clusters with data that are kept, side by side, with their masks.
  private func keptRun(
    _ device: ArchiveHeader.Device, from first: UInt64, atMost bytesMax: Int
  ) throws(ArchiveError) -> (clusters: Int, bytes: Int) {
    var (clusters, bytes) = (0, 0)
    masks.removeAll(keepingCapacity: true)
    // A piece is lost as a whole.
    let most = salvaged == nil ? bytesMax / Layout.clusterBytes : 1
    while clusters < most {
      let cluster = first + UInt64(clusters)
      let ticket = index.ticket(device.id, cluster)
      guard cluster < device.clusterCount, ticket > ClusterIndex.zeros else { break }
      let count = device.byteCount(cluster: cluster)
      let mask = try early.mask(ticket, device: device.id, cluster: cluster)
      masks.append(mask.intersection(BlockMask(covering: count)))
      bytes += count
      clusters += 1
    }
    return (clusters, bytes)
  }
}
