internal import ArchiveBytes
internal import BackupProtocol

/// The devices of an archive by their numbers, and which clusters an extent may have of them.
struct DeviceTable {
  private var devices = [ArchiveHeader.Device?](repeating: nil, count: 256)

  init(_ header: ArchiveHeader) {
    for device in header.devices { devices[Int(device.id)] = device }
  }

  subscript(id: UInt8) -> ArchiveHeader.Device? { devices[Int(id)] }

  /// Whether a slot is one that this archive may have.
  ///
  /// - Returns: Whether it is of a memory state that is longer than the header says.
  func check(_ slot: ExtentSlot) throws(ArchiveError) -> Bool {
    guard let device = self[slot.device] else {
      throw .corrupt("an extent refers to device \(slot.device), which is not in the archive")
    }
    let cluster = UInt64(slot.cluster)
    if device.isMemory { return cluster >= device.clusterCount && !slot.mask.isEmpty }
    guard cluster < device.clusterCount else {
      // The genuine reader has bits for whole words of 64 clusters.
      guard slot.mask.isEmpty, cluster < (device.clusterCount + 63) & ~63 else {
        throw .corrupt("cluster \(cluster) is beyond the end of \"\(device.name)\"")
      }
      return false
    }
    let valid = BlockMask(covering: device.byteCount(cluster: cluster))
    guard slot.mask.isSubset(of: valid) || slot.mask == .all else {
      throw .corrupt("cluster \(cluster) has blocks beyond the end of \"\(device.name)\"")
    }
    return false
  }
}
