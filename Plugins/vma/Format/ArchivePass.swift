package import ArchiveBytes
internal import BackupProtocol

/// One pass over the extents of an archive, which delivers device after device in order.
///
/// Clusters of the device that is wanted go straight to the sink when they come in turn; others
/// are noted in the index and kept until theirs comes. What the genuine reader demands is checked,
/// and what its `verify` overlooks: every cluster of a device occurs exactly once, and the archive
/// ends after an extent.
///
/// Owned by one thread.
package final class ArchivePass {
  enum Phase { case waiting, delivered, passedOver }

  let header: ArchiveHeader
  let source: any ByteSource
  /// In a salvage: the same as ``source``.
  let salvaged: SearchedSource?
  /// In a salvage: what was wrong last.
  var loss: String?
  /// In a salvage: no more clusters can be noted before those that are missing are given up.
  var isFull = false
  /// What a salvage has met besides whole extents.
  var stray = StrayBytes()
  let early: any EarlyPlace
  var index = ClusterIndex()
  var extent = ExtentHeader()
  var extentOffset: UInt64 = 0
  /// The slot of the extent whose blocks come next.
  var slotIndex = 0
  /// Clusters delivered of each device.
  var next = [UInt64](repeating: 0, count: 256)
  var masks: [BlockMask] = []
  var phases = [Phase](repeating: .waiting, count: 256)
  private let devices: DeviceTable
  /// Something failed on the way: nobody knows where the source stands.
  private var isBroken = false
  /// The memory state is longer than the header says.
  private var isMemoryLonger = false
  /// Whether the memory state was delivered, by this pass or by one before it.
  package var hasGivenMemory = false
  /// Zeros that the sink has not been told of.
  private var zerosWaiting: UInt64 = 0
  /// Called with the bytes of each cluster that is kept or passed over: work that the sink does
  /// not see.
  package var onDetour: (Int) -> Void = { _ in }

  /// - Parameters:
  ///   - source: Stands after the header.
  ///   - salvages: Goes on after damage, and tells the sink what is lost.
  package init(
    _ header: ArchiveHeader, source: any ByteSource, early: any EarlyPlace, salvages: Bool = false
  ) {
    self.header = header
    salvaged = salvages ? SearchedSource(source) : nil
    self.source = salvaged ?? source
    self.early = early
    devices = DeviceTable(header)
    masks.reserveCapacity(Layout.slotsMax)
  }

  /// Whether a device can still be delivered: it was not, none behind it was, and nothing failed.
  package func canDeliver(_ device: ArchiveHeader.Device) -> Bool {
    phases[Int(device.id)] == .waiting && !isBroken
  }

  /// Puts a whole device into the sink. Devices before it are given up.
  ///
  /// - Throws: E_CORRUPT, what the source throws, what the sink throws.
  package func deliver(
    _ device: ArchiveHeader.Device, to sink: any ClusterSink
  ) throws(ArchiveError) {
    do { try deliverInOrder(device, to: sink) } catch {
      isBroken = true
      throw error
    }
  }

  private func deliverInOrder(
    _ device: ArchiveHeader.Device, to sink: any ClusterSink
  ) throws(ArchiveError) {
    let id = Int(device.id)
    for other in 1..<id where phases[other] == .waiting { phases[other] = .passedOver }
    while next[id] < device.clusterCount {
      if try deliverKeptOrLose(device, to: sink) { continue }
      if isFull {
        try giveUp(device, to: sink)
      } else if slotIndex < extent.slots.count {
        try takeSlotOrLose(device, to: sink)
      } else if !(try nextExtent()) {
        try giveUp(device, to: sink)
      }
    }
    try flushZeros(to: sink)
    phases[id] = .delivered
    if device.isMemory { hasGivenMemory = true }
    // A salvage says it at its end: the disk that comes now is whole.
    if salvaged == nil { try checkMemory() }
  }

  /// Whoever does not want the memory has the disks all the same.
  func checkMemory() throws(ArchiveError) {
    guard isMemoryLonger, hasGivenMemory, let memory = header.devices.first(where: \.isMemory)
    else { return }
    throw .memoryLonger(memory)
  }

  /// Reads to the end of the archive: nothing may follow that does not belong there.
  package func drain() throws(ArchiveError) {
    guard !isBroken else { return }
    for device in header.devices where phases[Int(device.id)] == .waiting {
      phases[Int(device.id)] = .passedOver
    }
    repeat {
      while slotIndex < extent.slots.count { try setAside(extent.slots[slotIndex]) }
    } while try nextExtent()
    try checkMemory()
  }

  /// Delivers or keeps the next slot of the extent.
  func takeSlot(
    _ device: ArchiveHeader.Device, to sink: any ClusterSink
  ) throws(ArchiveError) {
    let slot = extent.slots[slotIndex]
    let cluster = next[Int(device.id)]
    guard slot.device == device.id, UInt64(slot.cluster) == cluster else {
      return try setAside(slot)
    }
    guard slot.mask.isEmpty else { return try deliverRun(device, to: sink) }
    zerosWaiting += UInt64(device.byteCount(cluster: cluster))
    next[Int(device.id)] += 1
    slotIndex += 1
  }

  /// Keeps a slot that is not wanted now, or passes over it.
  func setAside(_ slot: ExtentSlot) throws(ArchiveError) {
    slotIndex += 1
    let (id, cluster) = (Int(slot.device), UInt64(slot.cluster))
    guard let device = devices[slot.device], cluster < device.clusterCount,
      phases[id] != .passedOver
    else {
      return try passOver(slot)
    }
    guard cluster >= next[id], index.ticket(slot.device, cluster) == ClusterIndex.absent else {
      // Of two that came out of a damaged archive, the first counts.
      if salvaged != nil { return try passOver(slot) }
      throw .occursTwice(cluster, of: device)
    }
    var ticket = ClusterIndex.zeros
    if !slot.mask.isEmpty {
      ticket = try early.keep(slot, extentOffset: extentOffset, from: source)
      onDetour(slot.storedBytes)
    }
    try index.insert(slot.device, cluster, ticket: ticket)
  }

  private func passOver(_ slot: ExtentSlot) throws(ArchiveError) {
    try source.pass(slot.storedBytes, of: "the blocks of an extent")
    onDetour(slot.storedBytes)
  }

  /// Reads the next extent's header.
  ///
  /// - Returns: Whether there is one.
  func nextExtent() throws(ArchiveError) -> Bool {
    extent.clear()
    slotIndex = 0
    if let salvaged { return try findExtent(in: salvaged) }
    extentOffset = source.position
    var bytes = [512 of UInt8](repeating: 0)
    var span = bytes.mutableSpan
    let count = try unsafe span.withUnsafeMutableBytes { buffer throws(ArchiveError) in
      try unsafe source.read(into: buffer)
    }
    if count == 0 { return false }
    guard count == Layout.extentHeaderBytes else {
      throw .endsInside(count)
    }
    try parseExtent(unsafe span.span.bytes)
    return true
  }

  func parseExtent(_ bytes: RawSpan) throws(ArchiveError) {
    try extent.parse(bytes, of: header.identifier)
    for slot in extent.slots where try devices.check(slot) { isMemoryLonger = true }
  }

  /// The device's next bytes are zeros.
  func addZeros(_ count: Int) { zerosWaiting += UInt64(count) }

  /// Tells the sink of zeros before anything else.
  func flushZeros(to sink: any ClusterSink) throws(ArchiveError) {
    guard zerosWaiting > 0 else { return }
    let count = zerosWaiting
    zerosWaiting = 0
    try sink.zeros(count)
  }
}

extension ArchiveError {
  static func memoryLonger(_ memory: ArchiveHeader.Device) -> ArchiveError {
    .corrupt("\"\(memory.name)\" is longer than the header says; it can be left out")
  }

  static func occursTwice(_ cluster: UInt64, of device: ArchiveHeader.Device) -> ArchiveError {
    .corrupt("cluster \(cluster) of \"\(device.name)\" occurs twice")
  }

  static func lacks(_ cluster: UInt64, of device: ArchiveHeader.Device) -> ArchiveError {
    .corrupt("the archive lacks cluster \(cluster) of \"\(device.name)\"")
  }

  /// What is at the archive's end, and no extent.
  static func endsInside(_ count: Int) -> ArchiveError {
    .corrupt("the archive ends inside an extent, or has \(count) bytes too many")
  }
}
