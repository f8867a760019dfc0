import BackupProtocol
import BlockSource
import SharedPool
import System
import Testing

@testable import Pump

/// Archives of one disk, each an increment of the one before, in memory.
private struct MemoryChain {
  /// What one archive has of a cluster.
  enum Cluster { case data(UInt8), zero, unchanged }

  static let clusterBytes = 65536

  /// The full one first.
  var sizes: [Int] = []
  var levels: [[Cluster]] = []
  /// The disk at each level.
  var disks: [[UInt8]] = []

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
          clusters.append(.data(byte))
          disk.replaceSubrange(range, with: repeatElement(byte, count: range.count))
        }
      }
      levels.append(clusters)
      disks.append(disk)
    }
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

  /// Puts what an archive has, as an assembler does: runs that end where chunks do.
  func put(_ level: Int, into target: any ReadTarget) throws(LaneFailure) {
    for (number, cluster) in levels[level].enumerated() {
      let offset = number * Self.clusterBytes
      let count = min(Self.clusterBytes, sizes[level] - offset)
      switch cluster {
      case .zero: break
      case .unchanged: try target.putUnchanged(UInt64(offset)..<UInt64(offset + count))
      case .data(let byte):
        let bytes = [UInt8](repeating: byte, count: count)
        var failure: LaneFailure?
        bytes.withUnsafeBytes { bytes in
          do throws(LaneFailure) {
            try target.put(bytes, masks: [BlockMask.all].span, at: UInt64(offset))
          } catch { failure = error }
        }
        if let failure { throw failure }
      }
    }
    try target.finish()
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
      feed.want(["d"])
      threads.append(
        try WorkerThread(name: "test-level") { [chain] in
          defer { feed.leave() }
          guard feed.wanted() == ["d"], level != lost else { return }
          guard
            let target = try? LevelTarget(
              chain.stream(level), feed, parent: chain.parent(of: level)),
            (try? chain.put(level, into: target)) != nil
          else { return }
          feed.prove()
        })
    }
    defer {
      for feed in feeds { feed.close() }
      for thread in threads { thread.join() }
    }
    let merge = MergeTarget(
      chain.stream(top), parent: chain.parent(of: top), levels: feeds, memory: memory, to: disk)
    do throws(LaneFailure) {
      try chain.put(top, into: merge)
      return true
    } catch { return false }
  }

  @Test(arguments: 0..<20)
  func `gives what the disk was at the newest of them`(seed: Int) throws {
    let sizes = [3 << 20, (3 << 20) + 512, (3 << 20) + 512, 5 << 20, (2 << 20) + 700, 4 << 20]
    let count = 2 + seed % (sizes.count - 1)
    let chain = MemoryChain(sizes: Array(sizes.prefix(count)), seed: UInt64(seed))
    let disk = Disk(size: sizes[count - 1])
    #expect(try merge(chain, to: disk))
    #expect(disk.bytes == chain.disks[count - 1])
    #expect(disk.isFinished)
  }

  @Test func `of the greatest length is merged`() throws {
    let chain = MemoryChain(sizes: Array(repeating: 4 << 20, count: 64), seed: 7)
    let disk = Disk(size: 4 << 20)
    #expect(try merge(chain, to: disk))
    #expect(disk.bytes == chain.disks[63])
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
    let chain = MemoryChain(sizes: sizes, seed: UInt64(seed))
    let disk = chain.disks[1]
    let pool = try SharedPool(PoolShape(slotCount: 4), name: "test-compare")
    let parent = try #require(chain.parent(of: 1))
    let target = CompareTarget(
      name: "d", size: UInt64(sizes[1]),
      map: [Extent(offset: 0, length: UInt64(sizes[1]), kind: .data)], parent: parent,
      reader: MemoryReader(disk, pool: pool), pool: pool, stallLimit: 10, stop: try StopSignal())
    try MemoryChain(sizes: [sizes[0]], seed: UInt64(seed)).put(0, into: target)
    let below = chain.disks[0]
    for cluster in 0..<((sizes[1] + 65535) / 65536) {
      let range = (cluster * 65536)..<min((cluster + 1) * 65536, sizes[1])
      let isSame = range.upperBound <= below.count && below[range] == disk[range]
      let isWhole = parent.covers(
        UInt64(range.lowerBound)..<UInt64(range.upperBound), of: UInt64(sizes[1]))
      let kind = target.map.first { $0.end > UInt64(range.lowerBound) }?.kind
      #expect(kind == (isSame && isWhole ? .unchanged : .data), "cluster \(cluster)")
    }
    #expect(target.map.last?.end == UInt64(sizes[1]))
  }
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
