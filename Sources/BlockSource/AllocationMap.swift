internal import BackupProtocol
internal import System

/// Where a disk holds data, and what of it has changed, asked of the NBD server.
struct AllocationMap {
  /// libnbd 1.14 takes less than 4 GiB per call; whole clusters of it.
  private static let askedBytesMax: UInt64 = (4 << 30) - Cluster.bytes
  /// For one answer: tables of a cold image on a slow disk may have to be read.
  private static let answerSeconds = 60
  /// For the whole map: an answer may cover little, but not for ever.
  private static let mapSeconds = 600
  /// Extents of the changes alone. With those of the allocation they are fewer than a stream may
  /// have (protocol.md §4.14).
  private static let changeCountMax = 512 << 10

  private enum Flag {
    static let hole: UInt32 = 1
    static let readsAsZero: UInt32 = 2
    static let dirty: UInt32 = 1
  }

  private var allocation: StatusRuns
  private var changes: StatusRuns?

  private init(size: UInt64, hasChanges: Bool) {
    allocation = StatusRuns(ExtentBuilder(size: size))
    changes =
      hasChanges ? StatusRuns(ExtentBuilder(size: size, limit: Self.changeCountMax)) : nil
  }

  /// - Parameter record: The bitmap that the connection was made for, if any.
  /// - Returns: Extents that cover [0, size) exactly, in order, neighbours of different kinds; with
  ///   a record, what has not changed is *unchanged*.
  static func read(
    _ connection: NBDConnection, size: UInt64, changes record: ChangeRecord? = nil
  ) throws(SourceError) -> [Extent] {
    let exported = try connection.size
    guard exported >= size else {
      throw .protocolBroken(what: "disk size \(exported) instead of \(size) bytes")
    }
    if let record, !connection.shows(bitmap: record.bitmap) {
      throw .protocolBroken(what: "no dirty bitmap \(record.bitmap)")
    }
    var map = AllocationMap(size: size, hasChanges: record != nil)
    if !connection.knowsAllocation { map.allocation.knowNothing() }
    try map.fill(connection, size: size, exported: exported)
    let allocation = map.allocation.finish()
    guard let record, let changes = map.changes?.finish() else { return allocation }
    return record.map(allocation, changes, size: size)
  }

  /// How far everything is known that is asked for.
  private var position: UInt64 { min(allocation.end, changes?.end ?? .max) }

  private mutating func fill(
    _ connection: NBDConnection, size: UInt64, exported: UInt64
  ) throws(SourceError) {
    let deadline = MonotonicTime.now.advanced(bySeconds: Double(Self.mapSeconds))
    while position < size {
      guard MonotonicTime.now < deadline else {
        throw .notInTime(doing: "the allocation map", seconds: Self.mapSeconds, words: "")
      }
      let start = position
      allocation.begin(at: start)
      changes?.begin(at: start)
      try connection.blockStatus(
        offset: start, length: min(Self.askedBytesMax, exported - start),
        seconds: Self.answerSeconds
      ) { context, length, flags in add(context, UInt64(length), flags) }
      guard position > start else {
        throw .protocolBroken(what: "allocation map without progress")
      }
    }
  }

  private mutating func add(_ context: NBDConnection.Context, _ length: UInt64, _ flags: UInt32) {
    switch context {
    case .allocation: allocation.add(length: length, kind: Self.kind(flags))
    case .changes:
      changes?.add(length: length, kind: flags & Flag.dirty != 0 ? .data : .unchanged)
    }
  }

  /// Only what reads as zeros may be left out; a hole that does not is data.
  private static func kind(_ flags: UInt32) -> Extent.Kind {
    if flags & Flag.readsAsZero == 0 { return .data }
    return flags & Flag.hole != 0 ? .hole : .zero
  }
}

/// The runs of one context. Of two, one may be known further than the other: what an answer tells
/// once more is left out.
private struct StatusRuns {
  private var builder: ExtentBuilder
  /// Where the next run of the answer starts.
  private var next: UInt64 = 0
  private var isOpen = true

  init(_ builder: ExtentBuilder) { self.builder = builder }

  /// How far it is known.
  var end: UInt64 { isOpen ? builder.position : .max }

  /// The server does not know: everything is data.
  mutating func knowNothing() { isOpen = false }

  mutating func begin(at offset: UInt64) { next = offset }

  mutating func add(length: UInt64, kind: Extent.Kind) {
    let (start, end) = (max(next, builder.position), next + length)
    next = end
    if isOpen && end > start { builder.add(length: end - start, kind: kind) }
  }

  mutating func finish() -> [Extent] { builder.finish() }
}
