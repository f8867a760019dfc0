/// Finds out which 4 KiB blocks hold anything but zeros. The host scans once, for everybody.
package enum ZeroScan {
  private static let blockBytes = 4096
  private static let blocksPerCluster = 16

  /// Sets one mask per 64 KiB begun: bit b is 1 when block b holds a byte that is not zero.
  ///
  /// - Parameters:
  ///   - bytes: A slot's first bytes, aligned to 8; only `bytes.count` of them are looked at.
  ///   - masks: At least one per cluster begun; further ones are left as they are.
  /// - Returns: How many blocks hold data; 0 when all bytes are zero.
  package static func scan(
    _ bytes: UnsafeRawBufferPointer, into masks: inout [UInt16]
  ) -> Int {
    var dataBlocks = 0
    var offset = 0
    var cluster = 0
    while offset < bytes.count {
      var mask: UInt16 = 0
      for block in 0..<blocksPerCluster where offset < bytes.count {
        let length = min(blockBytes, bytes.count - offset)
        if unsafe hasData(bytes.baseAddress! + offset, length) {
          mask |= 1 << UInt16(block)
          dataBlocks += 1
        }
        offset += length
      }
      masks[cluster] = mask
      cluster += 1
    }
    return dataBlocks
  }

  /// Data mostly shows in the first words of a block; the rest is a plain OR over words without
  /// an exit, which is what the vectoriser likes.
  private static func hasData(_ start: UnsafeRawPointer, _ length: Int) -> Bool {
    let words = length / 8
    // Safe because: the caller's range holds `length` bytes, and slots are page-aligned.
    let pointer = unsafe start.assumingMemoryBound(to: UInt64.self)
    var found: UInt64 = 0
    for word in 0..<min(words, 8) { unsafe found |= pointer[word] }
    if found != 0 { return true }
    for word in min(words, 8)..<words { unsafe found |= pointer[word] }
    for byte in (words * 8)..<length {
      unsafe found |= UInt64(start.load(fromByteOffset: byte, as: UInt8.self))
    }
    return found != 0
  }
}
