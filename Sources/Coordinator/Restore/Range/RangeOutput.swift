internal import BackupProtocol
internal import Pump

/// Where bytes of a disk go, from the first one that is wanted on.
protocol RangeOutput: AnyObject {
  /// Puts bytes; what lies between two puts is zeros.
  ///
  /// - Parameter offset: Bytes from the first one that is wanted; behind all that was put.
  func put(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(LaneFailure)

  /// All has come; what follows what was put is zeros.
  ///
  /// - Parameter byteCount: Bytes that were wanted.
  func finish(_ byteCount: UInt64) throws(LaneFailure)
}

/// A whole disk on its way to such a place.
final class WholeDiskTarget: ReadTarget {
  private let output: any RangeOutput
  private let size: UInt64

  init(_ output: any RangeOutput, size: UInt64) {
    self.output = output
    self.size = size
  }

  func put(
    _ bytes: UnsafeRawBufferPointer, masks: Span<BlockMask>, at offset: UInt64
  ) throws(LaneFailure) { try unsafe output.put(bytes, at: offset) }

  func finish() throws(LaneFailure) { try output.finish(size) }
}
