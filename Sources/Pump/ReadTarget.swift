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

  /// Looks at a whole chunk while it is still in the plugin's memory, which may change at any time.
  ///
  /// - Parameters:
  ///   - bytes: A chunk of 1 MiB, or the stream's last one.
  ///   - offset: Where it begins.
  /// - Returns: Bytes of the target's own that are the same: they stand for the chunk, which counts
  ///   as put, and must not change before they are released. `nil` if the chunk is to be put.
  func same(
    as bytes: UnsafeRawBufferPointer, at offset: UInt64
  ) throws(LaneFailure) -> UnsafeRawPointer?

  /// Its own bytes that stood for chunks are not needed any more.
  func release(upTo end: UInt64)

  /// Of what was put, the lane may reuse the memory up to here.
  var usedUpTo: UInt64 { get }

  /// Waits until memory may be reused.
  ///
  /// - Parameter end: No more than the end of what was put.
  func waitUntilUsed(upTo end: UInt64) throws(LaneFailure)
}

extension ReadTarget {
  /// Targets of whole streams are never told that something is unchanged.
  package func putUnchanged(_ range: Range<UInt64>) throws(LaneFailure) {
    throw .system("a range without bytes at \(range.lowerBound)")
  }

  /// Most targets have nothing to compare with.
  package func same(
    as bytes: UnsafeRawBufferPointer, at offset: UInt64
  ) throws(LaneFailure) -> UnsafeRawPointer? { nil }

  package func release(upTo end: UInt64) {}

  /// Most targets are done with bytes when `put` returns.
  package var usedUpTo: UInt64 { .max }

  package func waitUntilUsed(upTo end: UInt64) throws(LaneFailure) {}
}
