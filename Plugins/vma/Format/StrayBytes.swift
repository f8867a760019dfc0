/// What a salvage meets between and behind the extents of a damaged archive.
///
/// A damaged extent costs its clusters, which are told. But where bytes were lost or added, what
/// was read before may be shifted, and no cluster is missing: then nothing is known to be whole.
struct StrayBytes {
  /// Whether clusters were given up: the damage has been told.
  var hasLosses = false
  /// Whether something was passed over that is no whole number of blocks.
  private var isShifted = false
  /// Whether the archive ends with something else than an extent.
  private var hasTail = false

  /// Something was passed over, from what should have been an extent to the next one.
  mutating func passedOver(_ count: UInt64) {
    let blocks = count &- UInt64(Layout.extentHeaderBytes)
    if blocks % UInt64(Layout.blockBytes) != 0 { isShifted = true }
  }

  /// The archive ended, or what comes cannot be read any more.
  mutating func ended(withTail isThere: Bool) { hasTail = hasTail || isThere }

  /// Why what came cannot be trusted although nothing of it is missing; `nil` if it can.
  var complaint: String? {
    if isShifted { return "bytes of the archive were lost or added" }
    return hasTail && !hasLosses ? "the archive does not end with an extent" : nil
  }
}
