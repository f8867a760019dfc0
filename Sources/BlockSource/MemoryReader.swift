package import SharedPool
package import System

/// Reads from memory, for streams that need no disk.
package final class MemoryReader: DiskReader {
  private let bytes: [UInt8]
  private let pool: SharedPool
  private var arrived: [Int] = []

  package init(_ bytes: [UInt8], pool: SharedPool) {
    self.bytes = bytes
    self.pool = pool
  }

  package let readsInFlightMax = 1

  package func submit(slot: Int, offset: UInt64, length: Int) {
    let range = Int(offset)..<(Int(offset) + length)
    unsafe bytes.withUnsafeBytes { source in
      unsafe pool.unsafeBytes(slot: slot).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: source[range]))
    }
    arrived.append(slot)
  }

  /// What is in memory has arrived at once: nothing to wait for, but the lane must not sleep.
  package func addDescriptors(to poller: inout Poller) {}

  package func collect(_ body: (ReadCompletion) -> Void) {
    for slot in arrived { body(ReadCompletion(slot: slot, code: 0)) }
    arrived.removeAll(keepingCapacity: true)
  }

  package func close() {}
}
