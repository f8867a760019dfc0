/// The blobs of a header: each 16 bits of length, little-endian, and its bytes, one behind the
/// other from offset 1 on.
///
/// Only those that somebody points to are remembered: a chain may have millions of empty ones.
struct BlobChain {
  private var found: [UInt32: Range<Int>] = [:]

  /// Walks the chain; like the genuine reader, it stops without complaint at a blob that does not
  /// fit.
  ///
  /// - Parameters:
  ///   - area: Where in `bytes` the blobs are.
  ///   - wanted: Offsets in the area that are pointed to, in any order.
  init(_ bytes: [UInt8], area: Range<Int>, wanted: [UInt32]) {
    let pointers = wanted.sorted()
    var next = 0
    var place = 1
    while place + 2 <= area.count, next < pointers.count {
      let start = area.lowerBound + place + 2
      let length = Int(bytes[start - 2]) | Int(bytes[start - 1]) << 8
      while next < pointers.count, pointers[next] < place { next += 1 }
      if next < pointers.count, pointers[next] == place, start + length <= area.upperBound {
        found[UInt32(place)] = start..<(start + length)
      }
      place += 2 + length
    }
  }

  /// Where in the header the bytes of the blob at `offset` are; `nil` if no blob begins there.
  subscript(offset: UInt32) -> Range<Int>? { found[offset] }

  /// The text of a name: it ends with its only NUL.
  ///
  /// - Returns: `nil` if there is no blob, or it is no such text.
  func name(_ offset: UInt32, in bytes: [UInt8]) -> [UInt8]? {
    guard let range = found[offset], let last = range.last, bytes[last] == 0 else { return nil }
    return Array(bytes[range.dropLast()])
  }
}
