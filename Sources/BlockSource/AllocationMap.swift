internal import System

/// Where a disk holds data, asked of the NBD server.
enum AllocationMap {
  /// libnbd 1.14 takes less than 4 GiB per call; whole clusters of it.
  private static let askedBytesMax: UInt64 = (4 << 30) - clusterBytes
  /// For one answer: tables of a cold image on a slow disk may have to be read.
  private static let answerSeconds = 60
  /// For the whole map: an answer may cover little, but not for ever.
  private static let mapSeconds = 600

  private enum Flag {
    static let hole: UInt32 = 1
    static let readsAsZero: UInt32 = 2
  }

  /// - Returns: Extents that cover [0, size) exactly, in order, neighbours of different kinds.
  static func read(_ connection: NBDConnection, size: UInt64) throws(SourceError) -> [Extent] {
    var builder = ExtentBuilder(size: size)
    let exported = try connection.size
    guard exported >= size else {
      throw .protocolBroken(what: "disk size \(exported) instead of \(size) bytes")
    }
    guard connection.knowsAllocation else { return builder.finish() }
    let deadline = MonotonicTime.now.advanced(bySeconds: Double(mapSeconds))
    while builder.position < size {
      guard MonotonicTime.now < deadline else {
        throw .notInTime(doing: "the allocation map", seconds: mapSeconds, words: "")
      }
      let start = builder.position
      try connection.blockStatus(
        offset: start, length: min(askedBytesMax, exported - start),
        seconds: answerSeconds
      ) { length, flags in builder.add(length: UInt64(length), kind: kind(flags)) }
      guard builder.position > start else {
        throw .protocolBroken(what: "allocation map without progress")
      }
    }
    return builder.finish()
  }

  /// Only what reads as zeros may be left out; a hole that does not is data.
  private static func kind(_ flags: UInt32) -> Extent.Kind {
    if flags & Flag.readsAsZero == 0 { return .data }
    return flags & Flag.hole != 0 ? .hole : .zero
  }
}
