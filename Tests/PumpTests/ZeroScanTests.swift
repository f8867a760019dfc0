import BackupProtocol
import Pump
import Testing

struct ZeroScanTests {
  /// A page-aligned buffer of zeros with single bytes set.
  private func scan(_ count: Int, setting places: [Int]) -> (masks: [BlockMask], blocks: Int) {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 4096)
    defer { bytes.deallocate() }
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    for place in places { bytes[place] = 1 }
    var masks = [BlockMask](repeating: 0xAAAA, count: (count + 65535) / 65536)
    let blocks = ZeroScan.scan(UnsafeRawBufferPointer(bytes), into: &masks)
    return (masks, blocks)
  }

  @Test func `zeros have empty masks`() {
    let result = scan(1 << 20, setting: [])
    #expect(result.masks == Array(repeating: [], count: 16))
    #expect(result.blocks == 0)
  }

  @Test(arguments: [0, 1, 63, 64, 65, 4088, 4095, 4096, 65535, 65536, (1 << 20) - 1])
  func `one byte sets the bit of its block and no other`(place: Int) {
    let result = scan(1 << 20, setting: [place])
    var expected = [BlockMask](repeating: [], count: 16)
    expected[place / 65536][place % 65536 / 4096] = true
    #expect(result.masks == expected)
    #expect(result.blocks == 1)
  }

  @Test(arguments: [1, 7, 8, 9, 511, 512, 4095, 4096, 4097, 65537])
  func `the last byte of an odd length counts`(count: Int) {
    let result = scan(count, setting: [count - 1])
    #expect(result.blocks == 1)
    let last = count - 1
    #expect(result.masks[last / 65536] == BlockMask(rawValue: 1 << UInt16(last % 65536 / 4096)))
  }
}
