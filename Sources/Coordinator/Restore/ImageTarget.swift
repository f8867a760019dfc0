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
    _ bytes: UnsafeRawBufferPointer, masks: Span<BlockMask>, at offset: UInt64
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

  /// Runs of clusters that hold data: any block of one makes it all data.
  private func findPieces(_ masks: Span<BlockMask>, end: Int) {
    pieces.removeAll(keepingCapacity: true)
    var place = 0
    while let piece = BlockMask.nextRun(
      from: place, byteCount: end, { cluster in masks[cluster].isEmpty ? [] : .all })
    {
      pieces.append(piece)
      place = piece.upperBound
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
