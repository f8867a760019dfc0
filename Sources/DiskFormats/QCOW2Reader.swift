package import ArchiveBytes
internal import BackupProtocol

/// Reads a qcow2 image: data as it is and clusters compressed by zlib or zstd. Of an overlay what
/// it has itself; no other file is ever looked at.
///
/// Memory: a page of L1, a table, two clusters.
package final class QCOW2Reader {
  package let header: QCOW2Header
  let source: SourceWindow
  private let tables: QCOW2Tables
  /// Where what is not in the image ends to be unchanged: the end of the disk below it.
  private let unchangedEnd: UInt64
  private let salvages: Bool
  private var clusters: QCOW2Clusters?
  private var masks: [BlockMask] = []

  /// - Parameters:
  ///   - backingBytes: Bytes of the disk below an overlay: up to there, clusters that are not in
  ///     the image are unchanged. `nil` for an image that stands alone.
  ///   - salvages: What cannot be read is told to the sink, and the rest is read.
  /// - Throws: E_CORRUPT, E_UNSUPPORTED.
  package init(
    _ source: SourceWindow, backingBytes: UInt64? = nil, salvages: Bool = false
  ) throws(ArchiveError) {
    self.source = source
    unchangedEnd = QCOW2.ceil(backingBytes ?? 0, Cluster.bytes) * Cluster.bytes
    self.salvages = salvages
    var bytes = [UInt8](repeating: 0, count: QCOW2Header.byteCount)
    try source.fill(&bytes, at: 0, "the header of a qcow2 image")
    header = try QCOW2Header(parsing: bytes, isOverlay: backingBytes != nil)
    tables = QCOW2Tables(header, source)
  }

  /// Reads the disk.
  ///
  /// - Throws: E_CORRUPT.
  package func read(to sink: any ClusterSink) throws(ArchiveError) {
    try read(0..<header.capacityBytes, to: sink)
  }

  /// Reads a part of the disk.
  ///
  /// - Parameter range: Begins on a multiple of 64 KiB, and ends on one or with the disk.
  /// - Throws: E_CORRUPT.
  package func read(_ range: Range<UInt64>, to sink: any ClusterSink) throws(ArchiveError) {
    let needed = QCOW2.ceil(header.capacityBytes, 1 << UInt64(header.l1Shift))
    guard salvages || header.l1Offset + needed * 8 <= source.byteCount else {
      throw .corrupt("the qcow2 image is truncated inside its L1 table")
    }
    tables.startOver()
    if clusters == nil { clusters = try QCOW2Clusters(tables, source) }
    clusters?.startOver()
    var place = range.lowerBound
    var run = EmptyRun(sink)
    while place < range.upperBound {
      let stretch = try stretch(from: place, before: range.upperBound, sink.pieceBytesMax)
      if stretch.kind == .bytes {
        try run.end()
        try put(place..<stretch.end, to: sink)
      } else {
        try run.add(stretch.end - place, stretch.kind)
      }
      place = stretch.end
    }
    try run.end()
  }

  // MARK: What comes next

  private static let unit = Cluster.bytes

  /// What is at a place: whole clusters of 64 KiB, or as far as the end.
  private func stretch(
    from start: UInt64, before end: UInt64, _ most: Int
  ) throws(ArchiveError) -> (kind: Stretch, end: UInt64) {
    var place = start
    do throws(ArchiveError) {
      if let empty = try emptyEnd(from: start, before: end) { return empty }
      place = min(end, start + Self.unit)
      while place < end, place - start < UInt64(most) {
        if try emptyEnd(from: place, before: end) != nil { break }
        place = min(end, place + Self.unit)
      }
      return (.bytes, place)
    } catch {
      guard salvages else { throw error }
      if place > start { return (.bytes, place) }
      // All that the table tells, in whole clusters of 64 KiB.
      let lost = tables.lostEnd(from: start)
      return (.lost(error.message), min(end, QCOW2.ceil(lost, Self.unit) * Self.unit))
    }
  }

  /// Where a stretch without bytes ends; `nil` if the next 64 KiB have some.
  private func emptyEnd(
    from start: UInt64, before end: UInt64
  ) throws(ArchiveError) -> (kind: Stretch, end: UInt64)? {
    var place = start
    var kind: Extent.Kind?
    // Small clusters: as many as fill 64 KiB.
    while place < min(end, start + Self.unit) {
      let run = try tables.run(at: place)
      var count = run.byteCount
      switch run.place {
      case .nowhere where place < unchangedEnd:
        kind = .unchanged
        count = min(count, unchangedEnd - place)
      case .nowhere: kind = kind ?? .hole
      case .zeros: kind = kind ?? .zero
      case .plain, .packed: return nil
      }
      place += count
    }
    return (.empty(kind ?? .hole), place >= end ? end : place / Self.unit * Self.unit)
  }

  // MARK: Bytes

  private func put(_ range: Range<UInt64>, to sink: any ClusterSink) throws(ArchiveError) {
    do throws(ArchiveError) {
      try putWhole(range, to: sink)
    } catch {
      guard salvages, error.code == .io || error.code == .corrupt,
        clusters?.isExhausted == false
      else { throw error }
      guard range.count > Self.unit else {
        return try sink.damaged(UInt64(range.count), error.message)
      }
      for start in stride(from: range.lowerBound, to: range.upperBound, by: Int(Self.unit)) {
        try put(start..<min(range.upperBound, start + Self.unit), to: sink)
      }
    }
  }

  private func putWhole(_ range: Range<UInt64>, to sink: any ClusterSink) throws(ArchiveError) {
    guard let clusters else { return }
    // A span cannot be that of a property.
    var masks: [BlockMask] = []
    swap(&masks, &self.masks)
    defer { swap(&masks, &self.masks) }
    masks.removeAll(keepingCapacity: true)
    masks.mark(0..<range.count)
    try sink.data(range.count, masks: masks.span) { span throws(ArchiveError) in
      try unsafe span.withUnsafeMutableBytes { buffer throws(ArchiveError) in
        try unsafe clusters.fill(buffer, from: range.lowerBound)
      }
    }
  }
}

/// What comes next of a disk.
private enum Stretch: Equatable {
  /// Some of its bytes are in the image.
  case bytes
  /// None.
  case empty(Extent.Kind)
  /// A table cannot be read.
  case lost(String)
}

/// Stretches without bytes that come one behind the other.
private struct EmptyRun {
  private let sink: any ClusterSink
  private var kind = Stretch.bytes
  private var count: UInt64 = 0

  init(_ sink: any ClusterSink) { self.sink = sink }

  mutating func add(_ bytes: UInt64, _ next: Stretch) throws(ArchiveError) {
    if next != kind { try end() }
    (kind, count) = (next, count + bytes)
  }

  mutating func end() throws(ArchiveError) {
    guard count > 0 else { return }
    switch kind {
    case .bytes: break
    case .empty(let kind): try sink.zeros(count, kind)
    case .lost(let reason): try sink.damaged(count, reason)
    }
    count = 0
  }
}
