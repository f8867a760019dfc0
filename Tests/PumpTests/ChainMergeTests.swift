import BackupProtocol
import BlockSource
import Glibc
import Hashing
import SharedPool
import System
import Testing

@testable import Pump

/// Archives of one disk, each an increment of the one before, in memory.
private struct MemoryChain {
  /// What one archive has of a cluster.
  enum Cluster { case data, zero, unchanged }

  static let clusterBytes = 65536

  /// The full one first.
  var sizes: [Int] = []
  var levels: [[Cluster]] = []
  /// The disk at each level.
  var disks: [[UInt8]] = []
  /// Chunks of the disk above that its map knows to be zeros.
  private var holes: [Int] = []

  /// Where the disk above has data.
  var map: [Extent] {
    var map: [Extent] = []
    for start in stride(from: 0, to: sizes[1], by: 1 << 20) {
      let kind: Extent.Kind = holes.contains(start >> 20) ? .hole : .data
      let length = UInt64(min(1 << 20, sizes[1] - start))
      map.append(Extent(offset: UInt64(start), length: length, kind: kind))
    }
    return map
  }

  /// - Parameter sizes: Of the disk at each level, the full one first.
  init(sizes: [Int], seed: UInt64) {
    var random = SplitMix(seed: seed)
    self.sizes = sizes
    for (level, size) in sizes.enumerated() {
      var disk = [UInt8](repeating: 0, count: size)
      let below = level == 0 ? [] : disks[level - 1]
      var clusters: [Cluster] = []
      for cluster in 0..<((size + Self.clusterBytes - 1) / Self.clusterBytes) {
        let range = (cluster * Self.clusterBytes)..<min((cluster + 1) * Self.clusterBytes, size)
        let isThere =
          level > 0
          && (range.upperBound <= below.count / Self.clusterBytes * Self.clusterBytes
            || range.upperBound == size && size == below.count)
        switch random.next() % 8 {
        case 0...4 where isThere:
          clusters.append(.unchanged)
          disk.replaceSubrange(range, with: below[range])
        case 5: clusters.append(.zero)
        default:
          let byte = UInt8(truncatingIfNeeded: random.next() | 1)
          clusters.append(.data)
          disk.replaceSubrange(range, with: repeatElement(byte, count: range.count))
        }
      }
      levels.append(clusters)
      disks.append(disk)
    }
  }

  /// A full archive, and a disk of which some clusters are others.
  ///
  /// - Parameter holes: Chunks that are zeros.
  init(size: Int, changed: [Int], holes: [Int] = []) {
    var random = SplitMix(seed: 1)
    sizes = [size, size]
    levels = [Array(repeating: .data, count: (size + Self.clusterBytes - 1) / Self.clusterBytes)]
    var disk = [UInt8](repeating: 0, count: size)
    disk.withUnsafeMutableBytes { bytes in
      for place in stride(from: 0, to: size - 7, by: 8) {
        bytes.storeBytes(of: random.next(), toByteOffset: place, as: UInt64.self)
      }
    }
    for chunk in holes {
      disk.replaceSubrange(chunk << 20..<(chunk + 1) << 20, with: repeatElement(0, count: 1 << 20))
      for cluster in chunk << 4..<(chunk + 1) << 4 { levels[0][cluster] = .zero }
    }
    disks = [disk, disk]
    self.holes = holes
    for cluster in changed { disks[1][cluster * Self.clusterBytes] ^= 1 }
  }

  func parent(of level: Int) -> ParentBackup.Stream? {
    guard level > 0 else { return nil }
    return ParentBackup.Stream(
      size: UInt64(sizes[level - 1]), digest: Digest(algorithm: .treeSHA256, bytes: []))
  }

  func stream(_ level: Int) -> StreamDescription {
    StreamDescription(
      id: 1, kind: .disk, name: "d", role: "disk", size: UInt64(sizes[level]),
      isIncremental: level > 0)
  }

  /// Reads an archive into a target, as a lane does.
  @discardableResult
  func read(_ level: Int, into target: any ReadTarget, _ buffers: SharedPool) throws -> Digest {
    let workers = try DigestWorkers(pool: buffers, threadCount: 2)
    defer { workers.stop() }
    var assembler = StreamAssembler(
      name: "d", size: UInt64(sizes[level]), isIncremental: level > 0, buffers: buffers,
      workers: workers, target: target)
    var first = 0
    while first < levels[level].count {
      let clusters = levels[level][first...]
      let end = clusters.firstIndex { $0 != clusters[first] } ?? clusters.endIndex
      let (start, stop) = (first * Self.clusterBytes, min(end * Self.clusterBytes, sizes[level]))
      let (offset, length) = (UInt64(start), UInt64(stop - start))
      switch levels[level][first] {
      case .zero: try assembler.addZeros(offset: offset, length: length)
      case .unchanged: try assembler.addUnchanged(offset: offset, length: length)
      case .data: try add(start..<stop, of: level, to: &assembler)
      }
      first = end
    }
    return try assembler.close(logicalLength: UInt64(sizes[level]))
  }

  private func add(
    _ range: Range<Int>, of level: Int, to assembler: inout StreamAssembler
  ) throws(LaneFailure) {
    let frame = DataFrame(
      offset: UInt64(range.lowerBound), length: UInt32(range.count), place: .slot(0), maskCount: 0)
    let payload = [UInt8](repeating: 0, count: 32)
    var failure: LaneFailure?
    disks[level].withUnsafeBytes { bytes in
      do throws(LaneFailure) {
        try assembler.add(
          frame, payload: payload.span.bytes,
          source: UnsafeRawBufferPointer(rebasing: bytes[range]))
      } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// The digest of the disk of a full backup.
  var fullDigest: [UInt8] {
    var tree = TreeDigest()
    let disk = disks[0]
    tree.update(disk.span.bytes)
    return tree.finish()
  }
}

/// Keeps what is put.
private final class Disk: ReadTarget {
  var bytes: [UInt8]
  var isFinished = false
  init(size: Int) { bytes = Array(repeating: 0, count: size) }

  func put(
    _ source: UnsafeRawBufferPointer, masks: Span<BlockMask>, at offset: UInt64
  ) throws(LaneFailure) {
    #expect(offset % (1 << 20) == 0)
    bytes.withUnsafeMutableBytes { bytes in
      UnsafeMutableRawBufferPointer(rebasing: bytes[Int(offset)..<Int(offset) + source.count])
        .copyMemory(from: source)
    }
  }

  func finish() throws(LaneFailure) { isFinished = true }
}

@Suite struct `A chain of archives` {
  private let memory: SharedPool

  init() throws { memory = try SharedPool(PoolShape(slotCount: 4), name: "test-merge") }

  /// Merges a chain; a reader for each of its parents runs on its own thread.
  private func merge(
    _ chain: MemoryChain, to disk: Disk, losing lost: Int? = nil
  ) throws -> Bool {
    let top = chain.levels.count - 1
    let feeds = (0..<top).map { _ in LevelFeed() }
    var threads: [WorkerThread] = []
    for (number, feed) in feeds.enumerated() {
      let level = top - 1 - number
      let buffers = try SharedPool(PoolShape(slotCount: 4), name: "test-level")
      feed.want(["d"])
      threads.append(
        try WorkerThread(name: "test-level") { [chain] in
          defer { feed.leave() }
          guard feed.wanted() == ["d"], level != lost else { return }
          guard
            let target = try? LevelTarget(
              chain.stream(level), feed, parent: chain.parent(of: level), memory: buffers),
            (try? chain.read(level, into: target, buffers)) != nil
          else { return }
          feed.prove()
        })
    }
    defer {
      for feed in feeds { feed.close() }
      for thread in threads { thread.join() }
    }
    let merge = try MergeTarget(
      chain.stream(top), parent: chain.parent(of: top), levels: feeds, memory: memory, to: disk)
    let buffers = try SharedPool(PoolShape(slotCount: 4), name: "test-level")
    return (try? chain.read(top, into: merge, buffers)) != nil
  }

  @Test(arguments: 0..<20)
  func `gives what the disk was at the newest of them`(seed: Int) throws {
    let sizes = [3 << 20, (3 << 20) + 512, (3 << 20) + 512, 5 << 20, (2 << 20) + 700, 4 << 20]
    let count = 2 + seed % (sizes.count - 1)
    let chain = MemoryChain(sizes: Array(sizes.prefix(count)), seed: UInt64(seed))
    let disk = Disk(size: sizes[count - 1])
    #expect(try merge(chain, to: disk))
    #expect(areEqual(disk.bytes, chain.disks[count - 1]))
    #expect(disk.isFinished)
  }

  @Test func `of the greatest length is merged`() throws {
    let chain = MemoryChain(sizes: Array(repeating: 1 << 20, count: 64), seed: 7)
    let disk = Disk(size: 1 << 20)
    #expect(try merge(chain, to: disk))
    #expect(areEqual(disk.bytes, chain.disks[63]))
  }

  @Test(arguments: [0, 1, 2])
  func `of which one cannot be read is not complete`(lost: Int) throws {
    let chain = MemoryChain(sizes: Array(repeating: 2 << 20, count: 4), seed: 3)
    let disk = Disk(size: 2 << 20)
    #expect(try !merge(chain, to: disk, losing: lost))
    #expect(!disk.isFinished)
  }

  @Test func `that refers to bytes beyond its parent's end is refused`() throws {
    var chain = MemoryChain(sizes: [1 << 20, 2 << 20], seed: 1)
    chain.levels[1][20] = .unchanged
    let disk = Disk(size: 2 << 20)
    #expect(try !merge(chain, to: disk))
    #expect(!disk.isFinished)
  }

  @Test(arguments: 0..<12)
  func `is compared with a disk cluster by cluster`(seed: Int) throws {
    let sizes = [(3 << 20) + 700, [(3 << 20) + 700, 5 << 20, (2 << 20) + 512][seed % 3]]
    try compare(MemoryChain(sizes: sizes, seed: UInt64(seed)), slots: 4)
  }

  @Test(arguments: [1, 2, 3, 16])
  func `is compared without copying where it is as the disk`(slots: Int) throws {
    try compare(MemoryChain(size: (12 << 20) + 700, changed: [5, 40, 150, 190, 192]), slots: slots)
    let holes = [0, 2, 4, 6, 8, 10]
    try compare(
      MemoryChain(size: (12 << 20) + 700, changed: [17, 192], holes: holes), slots: slots)
  }

  @Test func `that is not what its digest says is found where it is as the disk, too`() throws {
    let chain = MemoryChain(size: 4 << 20, changed: [])
    var other = chain
    other.disks[0][1 << 20] ^= 1
    other.disks[1][1 << 20] ^= 1
    let digest = try compare(other, slots: 4)
    #expect(digest.bytes == other.fullDigest)
    #expect(digest.bytes != chain.fullDigest)
  }

  /// Compares the full archive with the disk of the level above it.
  @discardableResult
  private func compare(_ chain: MemoryChain, slots: Int) throws -> Digest {
    let (size, disk, below) = (chain.sizes[1], chain.disks[1], chain.disks[0])
    let pool = try SharedPool(PoolShape(slotCount: slots), name: "test-compare")
    let parent = try #require(chain.parent(of: 1))
    let target = CompareTarget(
      name: "d", size: UInt64(size),
      map: chain.map, parent: parent,
      reader: MemoryReader(disk, pool: pool), pool: pool, stallLimit: 10, stop: try StopSignal())
    let buffers = try SharedPool(PoolShape(slotCount: 6), name: "test-buffers")
    let digest = try chain.read(0, into: target, buffers)
    #expect(digest.bytes == chain.fullDigest)
    for cluster in 0..<((size + 65535) / 65536) {
      let range = (cluster * 65536)..<min((cluster + 1) * 65536, size)
      let isSame = range.upperBound <= below.count && areEqual(below, disk, range)
      let isWhole = parent.covers(
        UInt64(range.lowerBound)..<UInt64(range.upperBound), of: UInt64(size))
      let kind = target.map.first { $0.end > UInt64(range.lowerBound) }?.kind
      #expect(kind == (isSame && isWhole ? .unchanged : .data), "cluster \(cluster)")
    }
    #expect(target.map.last?.end == UInt64(size))
    return digest
  }
}

/// Quicker than `==`, which looks at each byte in a build for debugging.
private func areEqual(_ left: [UInt8], _ right: [UInt8], _ range: Range<Int>? = nil) -> Bool {
  guard let range else {
    return left.count == right.count && areEqual(left, right, 0..<left.count)
  }
  return left.withUnsafeBytes { left in
    right.withUnsafeBytes { right in
      memcmp(
        left.baseAddress! + range.lowerBound, right.baseAddress! + range.lowerBound, range.count)
    }
  } == 0
}

/// Random numbers that are the same in every run.
private struct SplitMix {
  var state: UInt64
  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
