import BackupProtocol
import Hashing
import SharedPool
import Testing

@testable import Pump

/// Keeps what an assembler puts, as a file would.
private final class MemoryTarget: ReadTarget {
  var bytes: [UInt8]
  var isFinished = false
  /// What was told to be unchanged, and what is expected to be.
  var (unchanged, expected): ([Range<UInt64>], [Range<UInt64>]) = ([], [])
  init(size: Int) { bytes = Array(repeating: 0, count: size) }

  func put(
    _ source: UnsafeRawBufferPointer, masks: Span<BlockMask>, at offset: UInt64
  ) throws(LaneFailure) {
    for place in 0..<source.count { bytes[Int(offset) + place] = source[place] }
  }

  func putUnchanged(_ range: Range<UInt64>) throws(LaneFailure) {
    unchanged = (unchanged + [range]).joined()
  }

  func finish() throws(LaneFailure) { isFinished = true }
}

extension [Range<UInt64>] {
  /// The same bytes with as few ranges as there can be.
  fileprivate func joined() -> Self {
    reduce(into: []) { ranges, next in
      if let last = ranges.last, last.upperBound == next.lowerBound {
        ranges[ranges.count - 1] = last.lowerBound..<next.upperBound
      } else {
        ranges.append(next)
      }
    }
  }
}

@Suite struct StreamAssemblerTests {
  private let buffers: SharedPool
  private let workers: DigestWorkers

  init() throws {
    buffers = try SharedPool(PoolShape(slotCount: 4), name: "test-assembly")
    workers = try DigestWorkers(pool: buffers, threadCount: 2)
  }

  private func frame(_ offset: UInt64, _ length: Int, masks: Int = 0) -> DataFrame {
    DataFrame(
      offset: offset, length: UInt32(length), place: .slot(0), maskCount: UInt16(masks))
  }

  private func add(
    _ bytes: [UInt8], at offset: UInt64, to assembler: inout StreamAssembler,
    masks: [BlockMask] = []
  ) throws(LaneFailure) {
    var payload = [UInt8](repeating: 0, count: 32)
    for mask in masks.map(\.rawValue) { payload += [UInt8(mask & 0xFF), UInt8(mask >> 8)] }
    let data = frame(offset, bytes.count, masks: masks.count)
    var failure: LaneFailure?
    bytes.withUnsafeBytes { source in
      do throws(LaneFailure) {
        try assembler.add(data, payload: payload.span.bytes, source: source)
      } catch { failure = error }
    }
    if let failure { throw failure }
  }

  @Test func `pieces of any size become the stream and its digest`() throws {
    defer { workers.stop() }
    let size = (3 << 20) + 12345
    var expected = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }
    for place in (1 << 20)..<(1 << 20) + (128 << 10) { expected[place] = 0 }
    let target = MemoryTarget(size: size)
    var assembler = StreamAssembler(
      name: "d", size: UInt64(size), buffers: buffers, workers: workers, target: target)
    var position = 0
    for step in [64 << 10, 1 << 20, 192 << 10].cycled(8) where position < size {
      if position == 1 << 20 {
        try assembler.addZeros(offset: UInt64(position), length: 128 << 10)
        position += 128 << 10
      }
      // Ends a piece where the zeros begin.
      let limit = position < 1 << 20 ? 1 << 20 : size
      let end = min(position + step, limit)
      try add(Array(expected[position..<end]), at: UInt64(position), to: &assembler)
      position = end
    }
    let digest = try assembler.close(logicalLength: UInt64(size))
    #expect(target.bytes == expected)
    #expect(target.isFinished)
    #expect(digest == treeDigest(of: expected))
  }

  private func treeDigest(of bytes: [UInt8]) -> Digest {
    var tree = TreeDigest()
    tree.update(bytes.span.bytes)
    return Digest(algorithm: .treeSHA256, bytes: tree.finish())
  }

  @Test func `blocks a mask calls zero are zeros whatever the plugin left there`() throws {
    defer { workers.stop() }
    let target = MemoryTarget(size: 65536)
    var assembler = StreamAssembler(
      name: "d", size: 65536, buffers: buffers, workers: workers, target: target)
    try add(
      [UInt8](repeating: 9, count: 65536), at: 0, to: &assembler, masks: [0b0000_0000_0000_0101])
    _ = try assembler.close(logicalLength: 65536)
    for block in 0..<16 {
      let wanted: UInt8 = block == 0 || block == 2 ? 9 : 0
      #expect(target.bytes[block * 4096..<(block + 1) * 4096].allSatisfy { $0 == wanted })
    }
  }

  @Test func `an increment gives what has changed, and has a digest of its own`() throws {
    defer { workers.stop() }
    let size = UInt64(4 << 20) + 700
    let target = MemoryTarget(size: Int(size))
    var assembler = StreamAssembler(
      name: "d", size: size, isIncremental: true, buffers: buffers, workers: workers,
      target: target)
    let cluster = (0..<65536).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ $0 >> 8) }
    var tree = TreeDigest()
    for part in ["data", "same", "zero", "same", "data", "many", "zero", "tail"] {
      let position = assembler.position
      switch part {
      case "data":
        try add(cluster, at: position, to: &assembler)
        tree.update(cluster.span.bytes)
      case "zero":
        try assembler.addZeros(offset: position, length: 65536)
        tree.updateZeros(65536)
      default:
        let lengths: [String: UInt64] = [
          "same": 131_072, "many": (2 << 20) + 65536, "tail": size - position,
        ]
        let length = try #require(lengths[part])
        try assembler.addUnchanged(offset: position, length: length)
        tree.updateUnchanged(length)
        target.expected.append(position..<(position + length))
      }
    }
    let digest = try assembler.close(logicalLength: size)
    #expect(digest == Digest(algorithm: .incrementTreeSHA256, bytes: tree.finish()))
    #expect(target.unchanged == target.expected.joined())
    #expect(Array(target.bytes[..<65536]) == cluster)
    #expect(Array(target.bytes[(6 * 65536)..<(7 * 65536)]) == cluster)
  }

  @Test func `a gap, an overlap and bytes beyond the end are refused`() throws {
    defer { workers.stop() }
    for (offset, length) in [(65536 as UInt64, 65536), (0, 1 << 20)] {
      var assembler = StreamAssembler(
        name: "d", size: 131072, buffers: buffers, workers: workers, target: nil)
      #expect(throws: LaneFailure.self) {
        try add([UInt8](repeating: 1, count: length), at: offset, to: &assembler)
      }
    }
    var assembler = StreamAssembler(
      name: "d", size: 131072, buffers: buffers, workers: workers, target: nil)
    try add([UInt8](repeating: 1, count: 65536), at: 0, to: &assembler)
    #expect(throws: LaneFailure.self) {
      try add([UInt8](repeating: 1, count: 65536), at: 0, to: &assembler)
    }
    #expect(throws: LaneFailure.self) { try assembler.close(logicalLength: 131072) }
  }
}

extension Array {
  /// The elements, so many times over.
  fileprivate func cycled(_ times: Int) -> [Element] {
    (0..<times).flatMap { _ in self }
  }
}
