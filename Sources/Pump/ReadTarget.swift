/// Where the bytes of a stream go that come out of an archive; used by one thread.
package protocol ReadTarget: AnyObject {
  /// Puts bytes of which some are not zero.
  ///
  /// - Parameters:
  ///   - bytes: 1…1 MiB, the start of a slot of the lane's own pool; nobody else can change them.
  ///   - masks: One per 64 KiB begun, bit b = 4 KiB block b holds data.
  ///   - offset: Bytes from the start of the stream, a multiple of 1 MiB.
  func put(
    _ bytes: UnsafeRawBufferPointer, masks: Span<UInt16>, at offset: UInt64
  ) throws(LaneFailure)

  /// The stream is complete: makes it durable. Nothing is put after that.
  func finish() throws(LaneFailure)
}
