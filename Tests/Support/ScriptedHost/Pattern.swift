/// Bytes that differ from block to block and are the same each time; each 4 KiB block is data or
/// zeros.
package func pattern(
  _ count: Int, seed: UInt64, zeroBlocks: (Int) -> Bool = { _ in false }
) -> [UInt8] {
  let template = (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 5) | 1 }
  var bytes = [UInt8](repeating: 0, count: count)
  for block in 0..<((count + 4095) / 4096) where !zeroBlocks(block) {
    let end = min(count, (block + 1) * 4096)
    bytes.replaceSubrange((block * 4096)..<end, with: template.prefix(end - block * 4096))
    var state = (seed &+ UInt64(block)) &* 0x9E37_79B9_7F4A_7C15
    for place in (block * 4096)..<min(end, block * 4096 + 16) {
      state ^= state >> 29
      state = state &* 0xBF58_476D_1CE4_E5B9
      bytes[place] = UInt8(truncatingIfNeeded: state >> 56) | 1
    }
  }
  return bytes
}
