import BackupProtocol
import Testing

@testable import BlockSource

@Suite struct ExtentBuilderTests {
  private func map(
    size: UInt64, limit: Int = 1000, _ runs: [(UInt64, Extent.Kind)]
  ) -> [Extent] {
    var builder = ExtentBuilder(size: size, limit: limit)
    for (length, kind) in runs { builder.add(length: length, kind: kind) }
    return builder.finish()
  }

  private let cluster = Cluster.bytes

  @Test func `a cluster touched by data is data`() {
    let got = map(
      size: 10 * cluster,
      [
        (cluster + 1, .hole), (1, .data), (cluster - 2, .hole), (2 * cluster, .zero),
        (6 * cluster, .hole),
      ])
    #expect(
      got == [
        Extent(offset: 0, length: cluster, kind: .hole),
        Extent(offset: cluster, length: cluster, kind: .data),
        Extent(offset: 2 * cluster, length: 2 * cluster, kind: .zero),
        Extent(offset: 4 * cluster, length: 6 * cluster, kind: .hole),
      ])
  }

  @Test func `neighbours of one kind become one`() {
    let got = map(size: 4 * cluster, Array(repeating: (cluster / 4, .data), count: 16))
    #expect(got == [Extent(offset: 0, length: 4 * cluster, kind: .data)])
  }

  @Test(arguments: [0, 1, 511, 65_535, 65_536, 65_537, 131_071])
  func `the map ends where the disk ends`(size: UInt64) {
    for kind in [Extent.Kind.hole, .zero, .data] {
      let expected = size == 0 ? [] : [Extent(offset: 0, length: size, kind: kind)]
      // The runs may be longer than the disk, which QEMU rounds up to a sector.
      #expect(map(size: size, [(size + 512, kind)]) == expected)
    }
  }

  @Test func `what was never told is data`() {
    let got = map(size: 3 * cluster, [(cluster, .hole)])
    #expect(
      got == [
        Extent(offset: 0, length: cluster, kind: .hole),
        Extent(offset: cluster, length: 2 * cluster, kind: .data),
      ])
  }

  @Test func `runs of any cutting give the same map`() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      let size = UInt64.random(in: 1...(40 * cluster), using: &random)
      var kinds: [Extent.Kind] = []
      var runs: [(UInt64, Extent.Kind)] = []
      var left = size
      while left > 0 {
        let length = min(left, UInt64.random(in: 1...(3 * cluster), using: &random))
        let kind = Extent.Kind(rawValue: UInt32.random(in: 0...2, using: &random))!
        runs.append((length, kind))
        left -= length
      }
      // The slow way: the strongest kind that touches each cluster.
      var position: UInt64 = 0
      kinds = Array(repeating: .hole, count: Int((size + cluster - 1) / cluster))
      for (length, kind) in runs {
        for index in Int(position / cluster)...Int((position + length - 1) / cluster)
        where kinds[index].rawValue > kind.rawValue { kinds[index] = kind }
        position += length
      }
      let got = map(size: size, runs)
      for extent in got {
        let range = Int(extent.offset / cluster)..<Int((extent.end + cluster - 1) / cluster)
        #expect(kinds[range].allSatisfy { $0 == extent.kind })
      }
      #expect(got.last?.end == size)
      #expect(zip(got, got.dropFirst()).allSatisfy { $0.end == $1.offset && $0.kind != $1.kind })
    }
  }

  @Test func `a map of a shredded disk stays small and true`() {
    var runs: [(UInt64, Extent.Kind)] = []
    for index in 0..<4000 {
      runs.append((cluster, .data))
      runs.append((cluster * (index % 50 == 0 ? 64 : 1), .hole))
    }
    let size = runs.reduce(0) { $0 + $1.0 }
    let got = map(size: size, limit: 512, runs)
    #expect(got.count < 512)
    #expect(got.first?.offset == 0 && got.last?.end == size)
    #expect(zip(got, got.dropFirst()).allSatisfy { $0.end == $1.offset && $0.kind != $1.kind })
    // No data is ever left out, and long holes survive.
    let long = got.filter { $0.kind == .hole && $0.length > cluster }
    #expect(long.count == 80 && long.allSatisfy { $0.length == 64 * cluster })
  }
}
