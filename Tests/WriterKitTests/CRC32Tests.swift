import Testing
import WriterKit

@Suite struct `A CRC-32` {
  /// Bit by bit, as the standard has it.
  private func slow(_ bytes: [UInt8]) -> UInt32 {
    var sum = UInt32.max
    for byte in bytes {
      sum ^= UInt32(byte)
      for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
    }
    return ~sum
  }

  @Test func `is that of zlib`() {
    #expect(CRC32.of(Array("123456789".utf8)) == 0xCBF4_3926)
    #expect(CRC32.of([UInt8]()) == 0)
  }

  @Test func `does not depend on how the bytes are cut`() {
    let bytes = (0..<41).map { UInt8(truncatingIfNeeded: $0 * 97 + 13) }
    for count in 0...bytes.count {
      let part = Array(bytes.prefix(count))
      let whole = slow(part)
      #expect(CRC32.of(part) == whole)
      for cut in 0...count {
        var sum = CRC32()
        sum.add(part.span.bytes.extracting(0..<cut))
        sum.add(part.span.bytes.extracting(cut..<count))
        #expect(sum.value == whole, "\(cut) of \(count)")
      }
    }
  }

  @Test func `stands in an archive with its lowest byte first, like every number`() {
    #expect(UInt32(0x0403_0201).littleEndianBytes == [1, 2, 3, 4])
    #expect(UInt64.max.littleEndianBytes == [UInt8](repeating: 0xFF, count: 8))
    #expect(UInt8(7).littleEndianBytes == [7])
    #expect(UInt64(littleEndianBytes: [1, 2]) == 0x0201)
    #expect(UInt16(littleEndianBytes: [1, 2, 3]) == 0x0201)
    #expect(UInt32(littleEndianBytes: [UInt8]()) == 0)
    #expect(UInt64(littleEndianBytes: (UInt64(1) << 63).littleEndianBytes) == UInt64(1) << 63)
  }
}
