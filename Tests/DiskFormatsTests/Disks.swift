import CommandLine
import DiskFormats
import Testing

/// A disk to write and read again.
struct Disk: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let bytes: [UInt8]
  /// Pieces of it that are no holes, as a map says it.
  let runs: ClusterRuns

  init(_ name: String, _ count: Int, _ pieces: [(offset: Int, bytes: [UInt8])], extra: [Int] = []) {
    testDescription = name
    var bytes = [UInt8](repeating: 0, count: count)
    var clusters = Set(extra)
    for piece in pieces {
      bytes.replaceSubrange(piece.offset..<(piece.offset + piece.bytes.count), with: piece.bytes)
      for cluster in (piece.offset >> 16)...((piece.offset + piece.bytes.count - 1) >> 16) {
        clusters.insert(cluster)
      }
    }
    self.bytes = bytes
    var runs = ClusterRuns()
    for cluster in clusters.sorted() {
      runs.append(bytes: UInt64(cluster << 16)..<UInt64(min(count, (cluster + 1) << 16)))
    }
    self.runs = runs
  }

  /// Text as a guest has it: compressible, unlike noise.
  static func text(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count { bytes += Array("line \(bytes.count) of a log\n".utf8) }
    return Array(bytes.prefix(count))
  }

  static let all = [
    Disk("one sector", 512, [(0, noise(512, seed: 1))]),
    Disk("empty", 3 << 20, []),
    Disk("a grain and a sector", 66048, [(0, text(66048))]),
    Disk(
      "two tables, odd end", (36 << 20) + 1536,
      [
        (0, text(300_000)), (5 << 20, noise(200_000, seed: 2)), (33 << 20, text(70000)),
        ((36 << 20) + 512, noise(1024, seed: 3)),
      ]),
    Disk(
      "announced zeros", 40 << 20, [(1 << 20, text(65536)), (34 << 20, noise(70000, seed: 4))],
      extra: [0, 3, 200, 639]),
    Disk("a table between empty ones", 40 << 20, [(32 << 20, noise(1 << 20, seed: 5))]),
    Disk("full", 2 << 20, [(0, noise(2 << 20, seed: 6))]),
  ]
}
