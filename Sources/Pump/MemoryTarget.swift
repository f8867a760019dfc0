package import BackupProtocol

/// Keeps a small stream in memory.
package final class MemoryTarget: ReadTarget {
  package private(set) var bytes: [UInt8]

  /// - Parameter size: Bytes of the stream; the caller has found them few enough.
  package init(size: Int) { bytes = Array(repeating: 0, count: size) }

  package func put(
    _ part: UnsafeRawBufferPointer, masks: Span<BlockMask>, at offset: UInt64
  ) throws(LaneFailure) {
    let start = Int(offset)
    unsafe bytes.withUnsafeMutableBytes { all in
      unsafe UnsafeMutableRawBufferPointer(rebasing: all[start..<(start + part.count)])
        .copyMemory(from: part)
    }
  }

  package func finish() {}
}
