package import BackupProtocol

/// Finds out which 4 KiB blocks hold anything but zeros. The host scans once, for everybody.
package enum ZeroScan {
  /// Sets one mask per cluster begun: the blocks that hold a byte that is not zero.
  ///
  /// - Parameters:
  ///   - bytes: Of a slot, from where a cluster begins; only `bytes.count` of them are looked at.
  ///   - masks: At least one per cluster begun; further ones are left as they are.
  ///   - first: The mask of the first cluster.
  /// - Returns: How many blocks hold data; 0 when all bytes are zero.
  package static func scan(
    _ bytes: UnsafeRawBufferPointer, into masks: inout [BlockMask], from first: Int = 0
  ) -> Int {
    var dataBlocks = 0
    var offset = 0
    var cluster = first
    while offset < bytes.count {
      var mask: BlockMask = []
      for block in 0..<Cluster.blocks where offset < bytes.count {
        let length = min(Int(Block.bytes), bytes.count - offset)
        if unsafe hasData(bytes.baseAddress! + offset, length) {
          mask[block] = true
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
