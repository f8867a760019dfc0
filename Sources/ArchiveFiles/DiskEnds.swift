import WriterKit

/// Grains that do not lie in the host's memory: zeros, and the last one of a disk, padded.
@safe package final class DiskEnds {
  private let memory: UnsafeMutableRawBufferPointer
  private static let byteCount = Int(Cluster.bytes)

  package init() {
    unsafe memory = .allocate(byteCount: 2 * Self.byteCount, alignment: 4096)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0)
  }

  deinit { unsafe memory.deallocate() }

  package var zeros: UnsafeRawPointer {
    guard let start = unsafe memory.baseAddress else { preconditionFailure("memory has a start") }
    return UnsafeRawPointer(start)
  }

  /// The last bytes of a disk, zeros after them; until the next call.
  package func padded(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawPointer {
    let last = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[Self.byteCount...])
    unsafe last.copyMemory(from: bytes)
    unsafe UnsafeMutableRawBufferPointer(rebasing: last[bytes.count...])
      .initializeMemory(as: UInt8.self, repeating: 0)
    return unsafe zeros + Self.byteCount
  }
}
