/// What the header of an image says that we write: version 3, clusters of 64 KiB, refcounts of 16
/// bits.
struct QCOW2HeaderFields {
  let capacityBytes: UInt64
  let l1Entries: UInt64
  let l1Offset: UInt64
  let countTableOffset: UInt64
  let countTableClusters: UInt64
  /// Whether compressed clusters are zstd, which readers must know.
  var isZstd = false
  /// Name of the file below it, itself a qcow2 image; 1023 bytes at most.
  var backing: [UInt8]?

  /// The first cluster of the file.
  func encoded() -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Int(QCOW2.clusterBytes))
    bytes.replaceSubrange(0..<4, with: QCOW2Header.magic)
    bytes.putBig(UInt32(3), at: 4)
    bytes.putBig(UInt32(16), at: 20)
    bytes.putBig(capacityBytes, at: 24)
    bytes.putBig(UInt32(l1Entries), at: 36)
    bytes.putBig(l1Offset, at: 40)
    bytes.putBig(countTableOffset, at: 48)
    bytes.putBig(UInt32(countTableClusters), at: 56)
    bytes.putBig(UInt32(4), at: 96)
    bytes.putBig(UInt32(QCOW2Header.byteCount), at: 100)
    if isZstd {
      bytes.putBig(QCOW2Header.compressionBit, at: 72)
      bytes[104] = 1
    }
    if let backing { put(backing, into: &bytes) }
    return bytes
  }

  /// The extension that tells the format of the backing file, so that nobody guesses it from what a
  /// guest may have written; the end of extensions; the name.
  private func put(_ backing: [UInt8], into bytes: inout [UInt8]) {
    precondition((1...QCOW2.backingBytesMax).contains(backing.count), "a name that can be held")
    let format = Array("qcow2".utf8)
    let start = QCOW2Header.byteCount
    bytes.putBig(Self.backingFormat, at: start)
    bytes.putBig(UInt32(format.count), at: start + 4)
    bytes.replaceSubrange((start + 8)..<(start + 8 + format.count), with: format)
    // 8 bytes of the padded format, 8 zeros for the end.
    let name = start + 24
    bytes.putBig(UInt64(name), at: 8)
    bytes.putBig(UInt32(backing.count), at: 16)
    bytes.replaceSubrange(name..<(name + backing.count), with: backing)
  }

  private static let backingFormat: UInt32 = 0xE279_2ACA
}
