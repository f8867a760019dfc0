import SharedPool
import System

@testable import BlockSource

/// Reads a whole disk the way the pump does: every free slot asks for the next piece.
///
/// - Returns: The content and how many pieces failed, with their errno.
func readAll(
  _ reader: any DiskReader, pool: SharedPool, size: UInt64
) throws -> (bytes: [UInt8], failures: [(offset: UInt64, code: Int32)]) {
  var bytes = [UInt8](repeating: 0xEE, count: Int(size))
  var failures: [(offset: UInt64, code: Int32)] = []
  var free = Array(0..<pool.shape.slotCount)
  var pieces: [Int: (offset: Int, length: Int)] = [:]
  var next = 0
  var poller = Poller()
  let deadline = MonotonicTime.now.advanced(bySeconds: 60)
  while next < Int(size) || !pieces.isEmpty {
    while next < Int(size), let slot = free.popLast() {
      let length = min(pool.shape.slotBytes, Int(size) - next)
      try reader.submit(slot: slot, offset: UInt64(next), length: length)
      pieces[slot] = (next, length)
      next += length
    }
    poller.removeAll()
    reader.addDescriptors(to: &poller)
    if try poller.wait(seconds: 10) == 0, MonotonicTime.now > deadline { throw Stalled() }
    try reader.collect { completion in
      let piece = pieces.removeValue(forKey: completion.slot)!
      free.append(completion.slot)
      if completion.code != 0 {
        failures.append((UInt64(piece.offset), completion.code))
        return
      }
      let slot = UnsafeRawBufferPointer(pool.unsafeBytes(slot: completion.slot))
      bytes.withUnsafeMutableBytes {
        $0.baseAddress!.advanced(by: piece.offset).copyMemory(
          from: slot.baseAddress!, byteCount: piece.length)
      }
    }
  }
  return (bytes, failures)
}

struct Stalled: Error {}
