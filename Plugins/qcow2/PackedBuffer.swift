import WriterKit

/// Compressed clusters on their way into a file: put together in memory that is aligned for
/// `O_DIRECT`, as long as one follows the other.
@safe final class PackedBuffer {
  /// A multiple of 64 KiB.
  private static let byteCount = 1 << 20
  private static let blockBytes = 4096

  private let memory: UnsafeMutableRawBufferPointer
  /// Where the buffer goes: a multiple of 64 KiB, if it holds anything.
  private var start: UInt64 = 0
  private var filled = 0

  init() { unsafe memory = .allocate(byteCount: Self.byteCount, alignment: Self.blockBytes) }

  deinit { unsafe memory.deallocate() }

  /// Adds bytes.
  ///
  /// - Parameters:
  ///   - offset: Where they go: behind those before, or where a cluster of the file begins.
  ///   - file: Gets what is full, or is not followed.
  func append(
    _ bytes: UnsafeRawBufferPointer, at offset: UInt64, to file: inout OutputImage
  ) throws(PluginError) {
    if offset != start + UInt64(filled) {
      try flush(to: &file)
      precondition(offset % Cluster.bytes == 0, "what does not follow begins a cluster")
      start = offset
    }
    var done = 0
    while done < bytes.count {
      let count = min(bytes.count - done, Self.byteCount - filled)
      unsafe UnsafeMutableRawBufferPointer(rebasing: memory[filled..<(filled + count)])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[done..<(done + count)]))
      filled += count
      done += count
      if filled == Self.byteCount { try flush(to: &file) }
    }
  }

  /// Writes what is there, and zeros up to the end of its last block.
  func flush(to file: inout OutputImage) throws(PluginError) {
    let whole = (filled + Self.blockBytes - 1) & ~(Self.blockBytes - 1)
    guard whole > 0 else { return }
    unsafe UnsafeMutableRawBufferPointer(rebasing: memory[filled..<whole])
      .initializeMemory(as: UInt8.self, repeating: 0)
    try unsafe file.write(UnsafeRawBufferPointer(rebasing: memory[..<whole]), at: start)
    start += UInt64(filled)
    filled = 0
  }
}
