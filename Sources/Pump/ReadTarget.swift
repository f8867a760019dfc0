package import BackupProtocol

/// Where the bytes of a stream go that come out of an archive; used by one thread.
package protocol ReadTarget: AnyObject {
  /// Puts bytes of which some are not zero; what lies between two puts is zeros.
  ///
  /// - Parameters:
  ///   - bytes: 1…1 MiB, in a slot of the lane's own pool; nobody else can change them.
  ///   - masks: One per cluster begun: the blocks that hold data.
  ///   - offset: Bytes from the start of the stream, a multiple of 1 MiB, and then the bytes are
  ///     the start of the slot; of an increment a multiple of 64 KiB.
  func put(
    _ bytes: UnsafeRawBufferPointer, masks: Span<BlockMask>, at offset: UInt64
  ) throws(LaneFailure)

  /// The next bytes are as in the parent; only of increments.
  ///
  /// - Parameter range: Begins where a cluster begins, and ends at one or at the stream's end.
  func putUnchanged(_ range: Range<UInt64>) throws(LaneFailure)

  /// The stream is complete: makes it durable. Nothing is put after that.
  func finish() throws(LaneFailure)
}

extension ReadTarget {
  /// Targets of whole streams are never told that something is unchanged.
  package func putUnchanged(_ range: Range<UInt64>) throws(LaneFailure) {
    throw .system("a range without bytes at \(range.lowerBound)")
  }
}
