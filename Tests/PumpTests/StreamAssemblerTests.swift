import BackupProtocol
import Hashing
import SharedPool
import Testing

@testable import Pump

/// Keeps what an assembler puts, as a file would.
private final class MemoryTarget: ReadTarget {
  var bytes: [UInt8]
  var isFinished = false
  init(size: Int) { bytes = Array(repeating: 0, count: size) }

  func put(
    _ source: UnsafeRawBufferPointer, masks: Span<UInt16>, at offset: UInt64
  ) throws(LaneFailure) {
    for place in 0..<source.count { bytes[Int(offset) + place] = source[place] }
  }

  func finish() throws(LaneFailure) { isFinished = true }
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
    masks: [UInt16] = []
  ) throws(LaneFailure) {
    var payload = [UInt8](repeating: 0, count: 32)
    for mask in masks { payload += [UInt8(mask & 0xFF), UInt8(mask >> 8)] }
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
    #expect(try digest == treeDigest(of: expected))
  }

  private func treeDigest(of bytes: [UInt8]) throws -> Digest {
    var tree = TreeDigest(size: UInt64(bytes.count))
    for start in stride(from: 0, to: bytes.count, by: 1 << 20) {
      let chunk = bytes[start..<min(start + (1 << 20), bytes.count)]
      var leaf = SHA256()
      var digest = SHA256()
      for start in stride(from: chunk.startIndex, to: chunk.endIndex, by: 32 << 10) {
        leaf.update(Array(chunk[start..<min(start + (32 << 10), chunk.endIndex)]))
        digest.update(leaf.finish())
      }
      digest.finish().withUnsafeBytes { tree.add(chunk: $0) }
    }
    return try tree.finish()
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
