import BackupProtocol
import BlockSource
import SharedPool
import System
import Testing

@testable import Pump

/// Pieces of a stream on their way from one thread to the other.
@Suite struct HandoverTests {
  private static let mebi: UInt64 = 1 << 20
  private let pool: SharedPool
  private let stop: StopSignal
  private let handover: StreamHandover

  init() throws {
    pool = try SharedPool(PoolShape(slotCount: 4, slotBytes: 1 << 20), name: "handover")
    stop = try StopSignal()
    handover = try StreamHandover(pool: pool, stop: stop)
  }

  private func target(_ map: [Extent]) -> HandoverTarget {
    HandoverTarget(name: "d", map: map, handover)
  }

  private func data(_ offset: UInt64, _ length: UInt64) -> Extent {
    Extent(offset: offset, length: length, kind: .data)
  }

  private func put(_ byte: UInt8, _ count: Int, at offset: UInt64, to target: HandoverTarget) throws
  {
    let bytes = [UInt8](repeating: byte, count: count)
    let masks: [BlockMask] = Array(repeating: .all, count: Cluster.count(in: count))
    try bytes.withUnsafeBytes { try target.put($0, masks: masks.span, at: offset) }
  }

  private func answers(_ reader: HandoverReader) throws -> [ReadCompletion] {
    var found: [ReadCompletion] = []
    try reader.collect { found.append($0) }
    return found
  }

  @Test func `data comes into its slot, and what lies before and behind it is zeros`() throws {
    let target = target([data(0, 3 * Self.mebi + 7)])
    let reader = HandoverReader(handover)
    for slot in 0..<4 {
      reader.submit(
        slot: slot, offset: UInt64(slot) * Self.mebi, length: slot == 3 ? 7 : 1 << 20)
    }
    try put(5, 1 << 20, at: Self.mebi, to: target)
    #expect(
      try answers(reader) == [
        ReadCompletion(slot: 0, code: 0, isZero: true), ReadCompletion(slot: 1, code: 0),
      ])
    #expect(pool.unsafeBytes(slot: 1).allSatisfy { $0 == 5 })
    #expect(pool.unsafeBytes(slot: 0).allSatisfy { $0 == 0 })
    try target.finish()
    #expect(try answers(reader).map(\.isZero) == [true, true])
  }

  @Test func `of a chunk only what was ordered is copied`() throws {
    let target = target([
      Extent(offset: 0, length: 65_536, kind: .hole), data(65_536, 65_536),
      Extent(offset: 131_072, length: Self.mebi - 131_072, kind: .hole),
    ])
    let reader = HandoverReader(handover)
    reader.submit(slot: 2, offset: 65_536, length: 65_536)
    try put(6, 1 << 20, at: 0, to: target)
    #expect(try answers(reader) == [ReadCompletion(slot: 2, code: 0)])
    #expect(pool.unsafeBytes(slot: 2)[..<65_536].allSatisfy { $0 == 6 })
    #expect(pool.unsafeBytes(slot: 2)[65_536] == 0)
    try target.finish()
  }

  @Test func `data where the map has none ends the stream`() throws {
    let hole = Extent(offset: Self.mebi, length: Self.mebi, kind: .hole)
    let target = target([data(0, Self.mebi), hole])
    let reader = HandoverReader(handover)
    reader.submit(slot: 0, offset: 0, length: 1 << 20)
    #expect(throws: LaneFailure.self) { try put(1, 1 << 20, at: Self.mebi, to: target) }
    let early = HandoverTarget(
      name: "e", map: [hole, data(2 * Self.mebi, Self.mebi)], handover)
    reader.submit(slot: 1, offset: 2 * Self.mebi, length: 1 << 20)
    #expect(throws: LaneFailure.self) { try put(1, 1 << 20, at: Self.mebi, to: early) }
  }

  @Test func `a giver whose taker has gone is cut off, and no stop is needed`() throws {
    let target = target([data(0, Self.mebi)])
    handover.takerIsDone()
    #expect(throws: LaneFailure.self) { try put(1, 1 << 20, at: 0, to: target) }
    #expect(handover.isCut)
  }

  @Test func `a stop ends the waiting for orders`() throws {
    stop.request()
    #expect(throws: LaneFailure.self) { try target([data(0, Self.mebi)]).finish() }
    #expect(!handover.isCut)
  }

  @Test func `a taker minds the giver's end only while it waits for something`() throws {
    let reader = HandoverReader(handover)
    reader.submit(slot: 0, offset: 0, length: 1 << 20)
    try target([data(0, Self.mebi)]).finish()
    handover.giverIsDone()
    #expect(try answers(reader).count == 1)
    #expect(try answers(reader) == [])
    reader.submit(slot: 1, offset: 0, length: 1 << 20)
    #expect(throws: SourceError.self) { try answers(reader) }
  }

  @Test func `a map is made of what is put`() throws {
    let target = MapTarget(size: 3 * Self.mebi)
    var masks = [BlockMask](repeating: [], count: 16)
    masks[1] = 1
    masks[2] = 8
    try [UInt8](repeating: 0, count: 1 << 20).withUnsafeBytes {
      try target.put($0, masks: masks.span, at: Self.mebi)
    }
    target.finish()
    let start = Self.mebi + 65_536
    #expect(
      target.map == [
        Extent(offset: 0, length: start, kind: .hole), data(start, 131_072),
        Extent(offset: start + 131_072, length: 2 * Self.mebi - 196_608, kind: .hole),
      ])
  }
}
