import BackupProtocol
import Testing
@testable import WriterKit

@Suite struct `Runs of data` {
  /// The runs of a frame with these masks, by the kit.
  func runs(count: Int, _ masks: [BlockMask]) throws -> [Range<Int>] {
    var writer = FrameWriter()
    let frame = DataFrame(
      offset: 0, length: UInt32(count), place: .slot(0), maskCount: UInt16(masks.count))
    writer.append(frame, stream: 1, masks: masks.span)
    let payload = Array(writer.pending.dropFirst(8 + FrameHeader.byteCount))
    let bytes = [UInt8](repeating: 0, count: count)
    var runs: [Range<Int>] = []
    let data = StreamData(
      try DataFrame(parsing: payload.span.bytes), bytes: bytes.span.bytes,
      payload: payload.span.bytes, sequence: 0, slot: 0,
      delivery: Delivery(releases: ReleaseQueue()))
    var end = 0
    while let run = data.nextRun(from: end) {
      runs.append(run)
      #expect(run.upperBound > end)
      end = run.upperBound
    }
    return runs
  }

  /// The same, block by block.
  func naive(count: Int, _ masks: [BlockMask]) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    for start in stride(from: 0, to: count, by: 4096) {
      let block = start / 4096
      guard masks.isEmpty || masks[block / 16][block % 16] else { continue }
      let end = min(count, start + 4096)
      if let last = runs.last, last.upperBound == start {
        runs[runs.count - 1] = last.lowerBound..<end
      } else {
        runs.append(start..<end)
      }
    }
    return runs
  }

  @Test func `are those of the masks, whatever these are`() throws {
    var state: UInt64 = 88_172_645_463_325_252
    func random() -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state
    }
    for round in 0..<2000 {
      let count = Int(random() % (300 << 10)) + 1
      let masks = (0..<((count + 65535) / 65536)).map { cluster -> BlockMask in
        let any = UInt16(truncatingIfNeeded: random() & random() | (round % 3 == 0 ? random() : 0))
        let mask: UInt16 = round % 5 == 0 ? (any & 1 == 0 ? 0 : 0xFFFF) : any
        // Blocks that begin behind the end have no say.
        let blocks = min(16, (count - cluster * 65536 + 4095) / 4096)
        return BlockMask(rawValue: blocks == 16 ? mask : mask & (1 << blocks - 1))
      }
      #expect(try runs(count: count, masks) == naive(count: count, masks))
    }
  }

  @Test(arguments: [1, 4095, 4096, 4097, 65535, 65536, 65537, 1 << 20])
  func `are one run where nobody makes a claim`(count: Int) throws {
    #expect(try runs(count: count, []) == [0..<count])
  }
}
