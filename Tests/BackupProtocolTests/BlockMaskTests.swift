import Testing

@testable import BackupProtocol

@Suite struct BlockMaskTests {
  /// The runs of blocks, block by block.
  private func naive(_ masks: [BlockMask], byteCount: Int) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    for block in 0..<Block.count(in: byteCount) where masks[block / 16][block % 16] {
      let (start, end) = (block * 4096, min((block + 1) * 4096, byteCount))
      if let last = runs.last, last.upperBound == start {
        runs[runs.count - 1] = last.lowerBound..<end
      } else {
        runs.append(start..<end)
      }
    }
    return runs
  }

  private func runs(_ masks: [BlockMask], byteCount: Int) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    while let run = masks.span.nextRun(from: runs.last?.upperBound ?? 0, byteCount: byteCount) {
      runs.append(run)
    }
    return runs
  }

  @Test func `every mask has the runs of its blocks`() {
    for bits in UInt16.min ... .max {
      let mask = BlockMask(rawValue: bits)
      let expected = naive([mask], byteCount: 65536)
      guard mask.runs.elementsEqual(expected) else {
        Issue.record("\(bits): \(Array(mask.runs))")
        return
      }
    }
  }

  @Test func `a run goes on in the next cluster and ends with the bytes`() {
    #expect(runs([0x8000, 0x0001], byteCount: 131_072) == [61_440..<69_632])
    #expect(runs([0x8000, 0x0001], byteCount: 65_537) == [61_440..<65_537])
    #expect(runs([.all, .all], byteCount: 131_072) == [0..<131_072])
    #expect(runs([0x0001, [], 0x0002], byteCount: 196_608) == [0..<4096, 135_168..<139_264])
  }

  @Test func `bits of blocks behind the end have no say`() {
    #expect(runs([.all], byteCount: 4097) == [0..<4097])
    #expect(runs([0x00F0], byteCount: 4097) == [])
    #expect(runs([], byteCount: 0) == [])
  }

  @Test func `masks of any bits have the runs of their blocks`() {
    for _ in 0..<500 {
      let byteCount = Int.random(in: 1...(5 << 16))
      let masks = (0..<Cluster.count(in: byteCount)).map { _ in
        BlockMask(rawValue: .random(in: 0 ... .max))
      }
      #expect(runs(masks, byteCount: byteCount) == naive(masks, byteCount: byteCount))
    }
  }

  @Test(
    arguments: [(0, 0), (1, 1), (4096, 1), (4097, 2), (61_440, 15), (61_441, 16), (65_536, 16)])
  func `a mask covers the blocks that begin within the bytes`(byteCount: Int, blocks: Int) {
    let mask = BlockMask(covering: byteCount)
    #expect(mask.count == blocks)
    #expect((0..<16).allSatisfy { mask[$0] == ($0 < blocks) })
  }

  @Test func `a marked range has the bits of every block it touches`() {
    var masks: [BlockMask] = []
    masks.mark(4095..<4097)
    #expect(masks == [0x0003])
    masks.mark(131_072..<131_073)
    #expect(masks == [0x0003, [], 0x0001])
    masks.mark(61_440..<65_537)
    #expect(masks == [0x8003, 0x0001, 0x0001])
  }

  @Test func `the complement has the other blocks`() {
    #expect(BlockMask(rawValue: 0x0F01).complement == 0xF0FE)
    #expect(BlockMask.all.complement.isEmpty)
  }
}
