package import BlockSource

/// The way through one stream: what is read and what is only announced, in ascending order.
///
/// A read stays inside one chunk of 1 MiB, and a chunk has one read at most: from its first data
/// to its last, so that holes of 1 MiB and more are never read and smaller ones are bridged.
package struct ChunkPlan {
  package enum Step: Equatable {
    case read(offset: UInt64, length: Int)
    case skip(offset: UInt64, length: UInt64, kind: Extent.Kind)
  }

  package static let chunkBytes: UInt64 = 1 << 20

  private let extents: [Extent]
  private var index = 0
  private var position: UInt64 = 0

  /// - Parameter extents: Ascending; cover the stream exactly.
  package init(_ extents: [Extent]) { self.extents = extents }

  /// The next step, or `nil` at the end of the stream.
  package mutating func next() -> Step? { step(joiningChunks: false) }

  /// As ``next()``, but the whole chunks of an extent are one read: a disk of 8 PiB has 2^33.
  mutating func nextRun() -> Step? { step(joiningChunks: true) }

  private mutating func step(joiningChunks: Bool) -> Step? {
    while index < extents.count && extents[index].end <= position { index += 1 }
    guard index < extents.count else { return nil }
    let extent = extents[index]
    guard extent.kind == .data else {
      defer { position = extent.end }
      return .skip(offset: position, length: extent.end - position, kind: extent.kind)
    }
    let start = position
    let whole = extent.end / Self.chunkBytes * Self.chunkBytes
    position =
      joiningChunks && whole > start
      ? whole : endOfData(before: (start / Self.chunkBytes + 1) * Self.chunkBytes)
    return .read(offset: start, length: Int(position - start))
  }

  /// How many steps of a plan are reads: one for each chunk that has data. Counted by extents, for
  /// a disk of 8 PiB has 2^33 chunks.
  package static func readCount(_ extents: [Extent]) -> Int {
    var count = 0
    var next: UInt64 = 0
    for extent in extents where extent.kind == .data && extent.length > 0 {
      let first = max(next, extent.offset / chunkBytes)
      let end = (extent.end - 1) / chunkBytes + 1
      if end > first { count += Int(end - first) }
      next = max(next, end)
    }
    return count
  }

  private func endOfData(before chunkEnd: UInt64) -> UInt64 {
    var end = position
    var place = index
    while place < extents.count && extents[place].offset < chunkEnd {
      if extents[place].kind == .data { end = min(extents[place].end, chunkEnd) }
      place += 1
    }
    return end
  }
}
