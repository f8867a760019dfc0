package import BackupProtocol
internal import Hashing

/// The way through one stream: what is read, the extents of data, and what is only announced.
///
/// A read stays inside one chunk of 1 MiB, from its first data to its last, so that holes of 1 MiB
/// and more are never read and smaller ones are bridged. What is unchanged is never read: it alone
/// cuts a chunk into several reads.
package struct ChunkPlan {
  private let extents: [Extent]
  private var index = 0
  private var position: UInt64 = 0

  /// - Parameter extents: Ascending; cover the stream exactly.
  package init(_ extents: [Extent]) { self.extents = extents }

  /// The next step, or `nil` at the end of the stream.
  package mutating func next() -> Extent? { step(joiningChunks: false) }

  /// As ``next()``, but the whole chunks of an extent are one read: a disk of 8 PiB has 2^33.
  private mutating func nextRun() -> Extent? { step(joiningChunks: true) }

  private mutating func step(joiningChunks: Bool) -> Extent? {
    while index < extents.count && extents[index].end <= position { index += 1 }
    guard index < extents.count else { return nil }
    let extent = extents[index]
    let start = position
    if extent.kind != .data {
      position = extent.end
    } else {
      let whole = extent.end / TreeDigest.chunkBytes * TreeDigest.chunkBytes
      position =
        joiningChunks && whole > start
        ? whole : endOfData(before: (start / TreeDigest.chunkBytes + 1) * TreeDigest.chunkBytes)
    }
    return Extent(offset: start, length: position - start, kind: extent.kind)
  }

  /// The allocation map as plugins get it: what will be read counts as data, bridged holes
  /// included, so that every DATA stays inside it (protocol.md §11).
  static func wireMap(_ extents: [Extent]) -> [Extent] {
    var plan = ChunkPlan(extents)
    var map: [Extent] = []
    while let run = plan.nextRun() { map.append(upTo: run.end, run.kind) }
    return map
  }

  /// How many steps of a plan are reads. Counted by extents, for a disk of 8 PiB has 2^33 chunks.
  package static func readCount(_ extents: [Extent]) -> Int {
    var count = 0
    // The first chunk that has no read yet, or may have another one.
    var next: UInt64 = 0
    for extent in extents where extent.length > 0 {
      if extent.kind == .unchanged { next = min(next, extent.end / TreeDigest.chunkBytes) }
      guard extent.kind == .data else { continue }
      let first = max(next, extent.offset / TreeDigest.chunkBytes)
      let end = (extent.end - 1) / TreeDigest.chunkBytes + 1
      if end > first { count += Int(end - first) }
      next = max(next, end)
    }
    return count
  }

  private func endOfData(before chunkEnd: UInt64) -> UInt64 {
    var end = position
    var place = index
    while place < extents.count, extents[place].offset < chunkEnd,
      extents[place].kind != .unchanged
    {
      if extents[place].kind == .data { end = min(extents[place].end, chunkEnd) }
      place += 1
    }
    return end
  }
}
