import CommandLine
import ArchiveBytes
import BackupProtocol
import Testing

@testable import TarFormat

@Suite(.inTurns) struct `The headers of tar` {
  @Test(arguments: [0, 1, 511, 512, 1 << 33 - 1, 1 << 33, 9 << 30, 1 << 53 - 1] as [UInt64])
  func `say sizes as they are read`(size: UInt64) throws {
    let block = try TarHeader(name: "x.vmdk", byteCount: size, modified: 1_769_889_600).encoded()
    let header = try RawHeader(parsing: block)
    #expect(block.count == 512 && header.byteCount == size && header.name == "x.vmdk")
    // From 8 GiB on it is GNU's.
    #expect(block[257..<265].elementsEqual((size < 1 << 33 ? "ustar\u{0}00" : "ustar  \0").utf8))
  }

  @Test func `hold names of up to 100 bytes of ASCII`() throws {
    for name in ["", String(repeating: "n", count: 101), "é"] {
      #expect(throws: ArchiveError.self) { try TarHeader(name: name, byteCount: 0).encoded() }
    }
    let longest = String(repeating: "n", count: 100)
    let block = try TarHeader(name: longest, byteCount: 0).encoded()
    #expect(try RawHeader(parsing: block).name == longest)
  }

  @Test(arguments: 1...300)
  func `have records whose length counts itself`(count: Int) throws {
    var records = PAXRecords()
    records.append("path", String(repeating: "x", count: count))
    records.append("a", "=\n=")
    #expect(try PAXRecords(parsing: records.encoded) == records)
  }

  @Test func `have maps that join what touches`() throws {
    var map = SparseMap(byteCount: 4096)
    try map.append(0, 512)
    try map.append(512, 512)
    try map.append(2048, 0)
    try map.append(3072, 1024)
    #expect(map.extents == [0..<1024, 3072..<4096] && map.dataBytes == 2048 && !map.isFull)
    #expect(throws: ArchiveError.self) { try map.append(4096, 1) }
    #expect(SparseMap(full: 0).isFull && SparseMap(full: 5).extents == [0..<5])
  }

  @Test(arguments: [1, 100, 4096, 70_000] as [UInt64])
  func `cut a file into clusters without gap`(extentBytes: UInt64) throws {
    let size: UInt64 = 5 << 20 | 333
    var map = SparseMap(byteCount: size)
    for place in stride(from: UInt64(1000), to: size - extentBytes, by: 150_000) {
      try map.append(place, extentBytes)
    }
    var cursor = PieceCursor(map, pieceBytesMax: 1 << 20)
    var (position, data) = (UInt64(0), UInt64(0))
    while let piece = cursor.next() {
      #expect(piece.range.lowerBound == position && piece.range.count <= 1 << 20 || !piece.hasData)
      position = piece.range.upperBound
      #expect(position % 65536 == 0 || position == size)
      for index in piece.extents {
        let part = map.extents[index].clamped(to: piece.range)
        #expect(!part.isEmpty)
        data += UInt64(part.count)
      }
      if piece.hasData { #expect(piece.masks(map).allSatisfy { !$0.isEmpty }) }
    }
    #expect(position == size && data == map.dataBytes)
  }
}
