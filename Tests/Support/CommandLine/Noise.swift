internal import Glibc

/// Bytes that differ from block to block and are the same for the same seed; a block of 4 KiB has
/// no zero among them, or nothing else.
///
/// - Parameter zeroBlocks: Whether a block, counted from 0, is zeros.
package func noise(
  _ count: Int, seed: UInt64, zeroBlocks: (Int) -> Bool = { _ in false }
) -> [UInt8] {
  var bytes: [UInt8] = []
  bytes.reserveCapacity(count + noiseBlock.count)
  while bytes.count < count {
    if zeroBlocks(bytes.count / noiseBlock.count) {
      bytes += zeroBlock
      continue
    }
    var state = seed &+ UInt64(bytes.count)
    bytes += noiseBlock
    for place in (bytes.count - noiseBlock.count)..<(bytes.count - noiseBlock.count + 16) {
      state = (state ^ state >> 29) &* 0xBF58_476D_1CE4_E5B9 &+ 0x9E37_79B9_7F4A_7C15
      bytes[place] = UInt8(truncatingIfNeeded: state >> 56) | 1
    }
  }
  bytes.removeLast(bytes.count - count)
  return bytes
}

private let noiseBlock: [UInt8] = {
  var state: UInt32 = 1
  return (0..<4096).map { _ in
    state = state &* 1_664_525 &+ 1_013_904_223
    return UInt8(state >> 24) | 1
  }
}()

private let zeroBlock = [UInt8](repeating: 0, count: 4096)

/// Compares without the cost of generic code in a debug build.
package func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
  left.count == right.count && (left.isEmpty || memcmp(left, right, left.count) == 0)
}

/// Whether all bytes of a range are zero; quick in debug builds too.
package func isZeros(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
  bytes.withUnsafeBytes { buffer in
    range.isEmpty
      || buffer[range.lowerBound] == 0
        && memcmp(
          buffer.baseAddress! + range.lowerBound,
          buffer.baseAddress! + range.lowerBound + 1, range.count - 1) == 0
  }
}
