internal import BackupProtocol

/// Puts the EXTENTS frames of each stream together, and holds the data against them.
/// Specified in protocol.md §11.
struct MapCollector {
  /// Extents of a stream.
  private static let extentsMax = 1 << 20

  private let isExpected: Bool
  private var maps: [UInt32: [Extent]] = [:]
  private var complete: Set<UInt32> = []
  /// The open stream's map, and the extent that its data has reached.
  private var current: [Extent] = []
  private var reached = 0

  init(isExpected: Bool) { self.isExpected = isExpected }

  /// Takes one frame.
  ///
  /// - Returns: The whole map if this was its last part.
  /// - Throws: `WireError` unless extents follow each other without gap and end with the stream.
  mutating func take(
    _ payload: RawSpan, of stream: StreamDescription, isLast: Bool
  ) throws(WireError) -> [Extent]? {
    guard isExpected, let size = stream.size, !complete.contains(stream.id) else {
      throw .state(.extents, state: "for stream \(stream.id)")
    }
    var extents = maps.removeValue(forKey: stream.id) ?? []
    try ExtentsFrame.parse(payload) { extent throws(WireError) in
      let position = extents.last?.end ?? 0
      guard extent.offset == position, extent.length <= size - position else {
        throw .field(.extents, field: "offset", value: extent.offset)
      }
      guard extents.count < Self.extentsMax else {
        throw .oversized(.extents, length: UInt32(Self.extentsMax) + 1)
      }
      extents.append(extent)
    }
    maps[stream.id] = extents
    guard isLast else { return nil }
    let end = extents.last?.end ?? 0
    guard end == size else { throw .field(.extents, field: "length", value: end) }
    complete.insert(stream.id)
    return extents
  }

  /// Whether every disk has its map, if maps were agreed on.
  func isComplete(_ streams: [StreamDescription]) -> Bool {
    !isExpected || streams.allSatisfy { $0.kind != .disk || complete.contains($0.id) }
  }

  /// A stream is opened: what comes now is held against its map.
  mutating func begin(_ stream: UInt32) {
    current = maps.removeValue(forKey: stream) ?? []
    reached = 0
  }

  /// Checks that a range stays inside the map: data in data; zeros in zeros or data; holes and what
  /// is unchanged in extents of the same kind.
  mutating func check(
    _ type: FrameType, _ range: Range<UInt64>, _ kind: Extent.Kind
  ) throws(WireError) {
    while reached < current.count {
      let extent = current[reached]
      let end = extent.end
      if end > range.lowerBound {
        guard MapCollector.holds(extent.kind, kind) else {
          throw .field(type, field: "offset", value: range.lowerBound)
        }
        if end >= range.upperBound { return }
      }
      reached += 1
    }
  }

  private static func holds(_ extent: Extent.Kind, _ kind: Extent.Kind) -> Bool {
    extent == kind || kind == .zero && extent == .data
  }
}
