internal import BackupProtocol
internal import BlockSource
internal import Pump
internal import SharedPool

/// A qcow2 image that a stream is restored into: QEMU takes the bytes out of the lane's own memory.
///
/// Clusters of zeros are never written, so they are never allocated.
final class ImageTarget: ReadTarget {
  private let image: WritableImage
  private let size: UInt64
  private let memory: SharedPool
  private var pieces: [Range<Int>] = []

  init(_ image: WritableImage, size: UInt64, memory: SharedPool) {
    self.image = image
    self.size = size
    self.memory = memory
    pieces.reserveCapacity(16)
  }

  func put(
    _ bytes: UnsafeRawBufferPointer, masks: Span<UInt16>, at offset: UInt64
  ) throws(LaneFailure) {
    let slot = unsafe memory.slot(of: bytes)
    let end = padded(bytes.count, slot)
    findPieces(masks, end: end)
    try written { () throws(SourceError) in try image.write(slot: slot, pieces, at: offset) }
  }

  func finish() throws(LaneFailure) {
    try written { () throws(SourceError) in try image.flush() }
    image.stop()
  }

  /// QEMU writes whole sectors: what the last one has behind the disk's end is zeros.
  private func padded(_ count: Int, _ slot: Int) -> Int {
    let end = (count + 511) & ~511
    let bytes = unsafe memory.unsafeBytes(slot: slot)
    if end > count {
      unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[count..<end])
        .initializeMemory(as: UInt8.self, repeating: 0)
    }
    return end
  }

  /// Runs of clusters that hold data.
  private func findPieces(_ masks: Span<UInt16>, end: Int) {
    pieces.removeAll(keepingCapacity: true)
    let clusterBytes = Int(Limits.clusterBytes)
    var cluster = 0
    while cluster < masks.count {
      let start = cluster
      while cluster < masks.count && masks[cluster] != 0 { cluster += 1 }
      if cluster > start {
        pieces.append((start * clusterBytes)..<min(cluster * clusterBytes, end))
      }
      cluster += 1
    }
  }

  private func written(_ body: () throws(SourceError) -> Void) throws(LaneFailure) {
    do throws(SourceError) { try body() } catch { throw .target("\(error)") }
  }
}

extension SharedPool {
  /// The slot that begins where `bytes` do.
  fileprivate func slot(of bytes: UnsafeRawBufferPointer) -> Int {
    let distance = unsafe UnsafeRawPointer(unsafeBaseAddress).distance(to: bytes.baseAddress!)
    precondition(distance % shape.slotBytes == 0, "what is put begins where a slot does")
    return distance / shape.slotBytes
  }
}
