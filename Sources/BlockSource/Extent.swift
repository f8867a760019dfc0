/// A run of a disk whose bytes are of one kind.
package struct Extent: Equatable, Sendable {
  package enum Kind: UInt8, Sendable {
    /// Never allocated; reads as zeros.
    case hole
    /// Allocated or recorded, and known to read as zeros.
    case zero
    /// Anything; must be read.
    case data
  }

  /// Bytes from the start of the disk, a multiple of 64 KiB.
  package let offset: UInt64
  /// Bytes, more than 0; a multiple of 64 KiB except at the end of the disk.
  package let length: UInt64
  package let kind: Kind

  package init(offset: UInt64, length: UInt64, kind: Kind) {
    self.offset = offset
    self.length = length
    self.kind = kind
  }

  package var end: UInt64 { offset + length }
}

/// Makes a map of whole clusters out of runs of any length, given in order.
///
/// A cluster that holds a byte of data is data; one of zeros and holes is zero.
/// The map never has more than `limit` extents: beyond that, ever longer holes count as data,
/// which costs reads of zeros but is as true.
struct ExtentBuilder {
  private let size: UInt64
  private let limit: Int
  private var extents: [Extent] = []
  /// Holes shorter than this count as data when there are too many extents.
  private var bridgedBytes = 2 * clusterBytes
  /// What the begun cluster is so far.
  private var begunKind = Extent.Kind.hole
  /// Where the next run starts.
  private(set) var position: UInt64 = 0

  /// - Parameters:
  ///   - size: Bytes of the disk.
  ///   - limit: Extents, at least 4. 256 Ki of them take 6 MiB.
  init(size: UInt64, limit: Int = 256 << 10) {
    self.size = size
    self.limit = limit
  }

  /// Appends a run; what lies beyond the end of the disk is cut.
  mutating func add(length: UInt64, kind: Extent.Kind) {
    let end = position + min(length, size - position)
    var start = position
    position = end
    if start % clusterBytes != 0 {
      if begunKind.rawValue < kind.rawValue { begunKind = kind }
      let clusterStart = start - start % clusterBytes
      guard end - clusterStart >= clusterBytes else { return }
      start = clusterStart + clusterBytes
      emit(to: start, begunKind)
    }
    let whole = end - end % clusterBytes
    if whole > start { emit(to: whole, kind) }
    if end > whole { begunKind = kind }
  }

  /// The map, which covers [0, size) exactly; runs never given count as data.
  mutating func finish() -> [Extent] {
    if position < size { add(length: size - position, kind: .data) }
    if size % clusterBytes != 0 { emit(to: size, begunKind) }
    return extents
  }

  private mutating func emit(to end: UInt64, _ kind: Extent.Kind) {
    append(to: end, kind)
    guard extents.count >= limit else { return }
    coarsen()
    // Room for as many again, so that a pass over all of them stays rare.
    while extents.count > limit / 2 {
      bridgedBytes *= 2
      coarsen()
    }
  }

  private mutating func append(to end: UInt64, _ kind: Extent.Kind) {
    if let last = extents.last, last.kind == kind {
      extents[extents.count - 1] = Extent(
        offset: last.offset, length: end - last.offset, kind: kind)
    } else {
      let start = extents.last?.end ?? 0
      extents.append(Extent(offset: start, length: end - start, kind: kind))
    }
  }

  private mutating func coarsen() {
    let fine = extents
    extents.removeAll(keepingCapacity: true)
    for extent in fine {
      append(to: extent.end, extent.length < bridgedBytes ? .data : extent.kind)
    }
  }
}
