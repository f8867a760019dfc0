import BackupProtocol
import BlockSource
import Testing

@testable import Pump

struct ChunkPlanTests {
  private static let kib: UInt64 = 1024
  private static let mib: UInt64 = 1 << 20

  private func steps(_ extents: [Extent]) -> [Extent] {
    var plan = ChunkPlan(extents)
    var steps: [Extent] = []
    while let step = plan.next() { steps.append(step) }
    return steps
  }

  /// Extents of the given lengths, one after the other.
  private func extents(_ parts: [(UInt64, Extent.Kind)]) -> [Extent] {
    var offset: UInt64 = 0
    return parts.map { length, kind in
      defer { offset += length }
      return Extent(offset: offset, length: length, kind: kind)
    }
  }

  @Test func `data is read chunk by chunk up to the odd end`() {
    let found = steps(extents([(2 * Self.mib + 700, .data)]))
    #expect(
      found == [
        Extent(offset: 0, length: Self.mib, kind: .data),
        Extent(offset: Self.mib, length: Self.mib, kind: .data),
        Extent(offset: 2 * Self.mib, length: 700, kind: .data),
      ])
  }

  @Test func `a hole of many chunks is one step`() {
    let found = steps(extents([(1 << 40, .hole)]))
    #expect(found == [Extent(offset: 0, length: 1 << 40, kind: .hole)])
  }

  @Test func `holes inside a chunk are bridged, those around its data are not`() {
    let found = steps(
      extents([
        (128 * Self.kib, .hole), (64 * Self.kib, .data), (64 * Self.kib, .zero),
        (64 * Self.kib, .data), (4 * Self.mib, .hole),
      ]))
    #expect(
      found == [
        Extent(offset: 0, length: 128 * Self.kib, kind: .hole),
        Extent(offset: 128 * Self.kib, length: 192 * Self.kib, kind: .data),
        Extent(offset: 320 * Self.kib, length: 4 * Self.mib, kind: .hole),
      ])
  }

  @Test func `what is unchanged is never read, and cuts a chunk into several reads`() {
    let parts = extents([
      (64 * Self.kib, .data), (64 * Self.kib, .hole), (64 * Self.kib, .data),
      (64 * Self.kib, .unchanged), (64 * Self.kib, .data), (Self.mib, .unchanged),
      (64 * Self.kib, .data), (700, .unchanged),
    ])
    let found = steps(parts)
    let reads = found.filter { $0.kind == .data }.map {
      [$0.offset / Self.kib, $0.length / Self.kib]
    }
    #expect(reads == [[0, 192], [256, 64], [1344, 64]])
    #expect(ChunkPlan.readCount(parts) == reads.count)
    #expect(found.last?.end == parts.last?.end)
    #expect(ChunkPlan.wireMap(parts).filter { $0.kind == .unchanged }.count == 3)
  }

  @Test func `a plugin's map counts bridged holes as data, and touches everything once`() {
    let map = ChunkPlan.wireMap(
      extents([
        (64 * Self.kib, .data), (64 * Self.kib, .hole), (64 * Self.kib, .data),
        (3 * Self.mib, .hole), (64 * Self.kib, .zero),
      ]))
    #expect(
      map == [
        Extent(offset: 0, length: 192 * Self.kib, kind: .data),
        Extent(offset: 192 * Self.kib, length: 3 * Self.mib, kind: .hole),
        Extent(offset: 192 * Self.kib + 3 * Self.mib, length: 64 * Self.kib, kind: .zero),
      ])
  }

  @Test(arguments: 1...40)
  func `steps cover the stream exactly and stay inside chunks`(seed: UInt64) {
    var random = SeededRandom(seed)
    let kinds: [Extent.Kind] = [.hole, .zero, .data]
    let parts = (0..<60).map { _ in
      (UInt64.random(in: 1...40, using: &random) << 16, kinds.randomElement(using: &random)!)
    }
    let map = extents(parts)
    var position: UInt64 = 0
    var readChunks: Set<UInt64> = []
    for step in steps(map) {
      #expect(step.offset == position)
      position = step.end
      guard step.kind == .data else { continue }
      #expect(step.offset / Self.mib == (step.end - 1) / Self.mib)
      #expect(readChunks.insert(step.offset / Self.mib).inserted, "two reads in one chunk")
    }
    #expect(position == map.last?.end)
    #expect(ChunkPlan.readCount(map) == readChunks.count)
    #expect(ChunkPlan.wireMap(map) == joined(steps(map)))
  }

  /// What a plugin's map has to say, by the steps themselves.
  private func joined(_ steps: [Extent]) -> [Extent] {
    var map: [Extent] = []
    for step in steps {
      if map.last?.kind == step.kind {
        map[map.count - 1].length += step.length
      } else {
        map.append(step)
      }
    }
    return map
  }

  @Test func `the reads of a disk of 8 PiB are counted and mapped at once`() {
    let whole = [Extent(offset: 0, length: 1 << 53, kind: .data)]
    #expect(
      ChunkPlan.wireMap(whole) == [Extent(offset: 0, length: 1 << 53, kind: .data)])
    #expect(ChunkPlan.readCount(whole) == 1 << 33)
    #expect(ChunkPlan.readCount([]) == 0)
  }
}

/// A generator that repeats itself: failures name the seed.
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}
