package import ArchiveBytes
import BackupProtocol

/// Where a file has data; what lies between is zeros.
package struct SparseMap: Equatable, Sendable {
  /// Extents of a file that are read.
  package static let extentsMax = 1 << 21

  /// Bytes of the file, data and zeros.
  package let byteCount: UInt64
  /// Ascending, apart from each other, none of them empty, inside the file.
  package private(set) var extents: [Range<UInt64>] = []
  /// Bytes of all extents.
  package private(set) var dataBytes: UInt64 = 0

  /// - Parameter byteCount: 0…2^53−1.
  package init(byteCount: UInt64) { self.byteCount = byteCount }

  /// All of a file is data.
  package init(full byteCount: UInt64) {
    self.byteCount = byteCount
    if byteCount > 0 { extents = [0..<byteCount] }
    dataBytes = byteCount
  }

  /// Whether there is nothing but data.
  package var isFull: Bool { dataBytes == byteCount }

  /// The number of the first extent that ends behind a place; that of none if all end before.
  func firstExtent(endingAfter place: UInt64) -> Int {
    var (low, high) = (0, extents.count)
    while low < high {
      let middle = (low + high) / 2
      if extents[middle].upperBound > place { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// Adds what comes next; joined to the extent before if it begins where that ends.
  ///
  /// - Throws: E_CORRUPT if it overlaps that, or ends beyond the end of the file.
  package mutating func append(_ offset: UInt64, _ length: UInt64) throws(ArchiveError) {
    let (end, isTooLarge) = offset.addingReportingOverflow(length)
    guard !isTooLarge, end <= byteCount else {
      throw .corrupt("a sparse map has an extent beyond the end of its file")
    }
    if length == 0 { return }
    if let last = extents.last {
      guard offset >= last.upperBound else {
        throw .corrupt("a sparse map has extents that overlap or are out of order")
      }
      if offset == last.upperBound {
        extents[extents.count - 1] = last.lowerBound..<end
        dataBytes += length
        return
      }
    }
    guard extents.count < Self.extentsMax else {
      throw ArchiveError(
        .tooLarge, "a sparse map has more than \(Self.extentsMax) extents")
    }
    extents.append(offset..<end)
    dataBytes += length
  }
}
