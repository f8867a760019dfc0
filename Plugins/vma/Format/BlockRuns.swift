/// The runs of stored blocks in a cluster, in order.
///
/// ```swift
/// var runs = BlockRuns(mask: mask, byteCount: count)
/// while let run = runs.next() { read run.storedBytes, of which run.wantedBytes go to run.start }
/// ```
package struct BlockRuns {
  package struct Run {
    /// Bytes from the start of the cluster.
    package let start: Int
    /// Bytes in the archive: whole blocks.
    package let storedBytes: Int
    /// Those of them that lie within the device; the rest is padding.
    package let wantedBytes: Int
  }

  private var left: UInt16
  private let byteCount: Int

  /// - Parameter byteCount: Bytes of the cluster within the device, 1…65536.
  package init(mask: UInt16, byteCount: Int) {
    left = mask
    self.byteCount = byteCount
  }

  package mutating func next() -> Run? {
    guard left != 0 else { return nil }
    let first = left.trailingZeroBitCount
    let length = (~(left >> UInt16(first))).trailingZeroBitCount
    let end = first + min(length, 16 - first)
    left &= end == 16 ? 0 : UInt16.max << UInt16(end)
    let start = first * Layout.blockBytes
    let stored = (end - first) * Layout.blockBytes
    return Run(
      start: start, storedBytes: stored, wantedBytes: max(0, min(stored, byteCount - start)))
  }
}

/// The bits of blocks that begin within the first `byteCount` bytes of a cluster.
package func validMask(byteCount: Int) -> UInt16 {
  let blocks = (byteCount + Layout.blockBytes - 1) / Layout.blockBytes
  return blocks >= 16 ? UInt16.max : UInt16(1) << UInt16(blocks) - 1
}
