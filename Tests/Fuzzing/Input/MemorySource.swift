package import ArchiveBytes

/// An archive in memory that outlives it.
package final class MemorySource: RandomSource {
  fileprivate let bytes: UnsafeRawBufferPointer
  package var position: UInt64 = 0

  package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
    let count = try read(into: buffer, at: position)
    position += UInt64(count)
    return count
  }

  package func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(ArchiveError) -> Int {
    let start = Int(min(UInt64(bytes.count), offset))
    let count = min(buffer.count, bytes.count - start)
    buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<(start + count)]))
    return count
  }

  package func skip(_ count: Int) throws(ArchiveError) -> Int {
    let done = min(count, bytes.count - Int(position))
    position += UInt64(done)
    return done
  }
}

extension MemorySource {
  /// The sum of some bytes, all of which are there.
  package func sum(_ range: Range<UInt64>) -> UInt64 {
    byteSum(
      UnsafeRawBufferPointer(rebasing: bytes[Int(range.lowerBound)..<Int(range.upperBound)]))
  }
}

/// The sum of bytes. Here, since nobody watches it here: it would take most of the time.
package func byteSum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
  var (sum, place): (UInt64, Int) = (0, 0)
  while place + 8 <= bytes.count {
    // Most are zeros.
    var word = bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
    while word != 0 {
      sum &+= word & 0xFF
      word >>= 8
    }
    place += 8
  }
  for byte in bytes[place...] { sum &+= UInt64(byte) }
  return sum
}
