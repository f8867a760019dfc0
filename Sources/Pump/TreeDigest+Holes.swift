internal import Hashing
internal import System

extension TreeDigest {
  /// Bytes of a hole between two looks at the stop signal: 1 GiB.
  private static let holeBytesMax: UInt64 = 1024 * chunkBytes

  /// Adds zeros up to, not including, byte `end` of the stream.
  ///
  /// - Parameter stop: Ends it: a hole of 8 PiB is 256 GiB of digests.
  mutating func addZeros(upTo end: UInt64, stop: StopSignal?) throws(LaneFailure) {
    while position < end {
      updateZeros(min(end - position, Self.holeBytesMax))
      if let stop, stop.isRequested { throw .cancelled }
    }
  }

  /// As ``addZeros(upTo:stop:)``, of what is as in the parent.
  mutating func addUnchanged(upTo end: UInt64, stop: StopSignal?) throws(LaneFailure) {
    while position < end {
      updateUnchanged(min(end - position, Self.holeBytesMax))
      if let stop, stop.isRequested { throw .cancelled }
    }
  }
}
