/// Puts the EXTENTS frames of each stream together. Specified in protocol.md, *EXTENTS*.
struct MapCollector {
  private let isExpected: Bool
  private var parts: [UInt32: [MapExtent]] = [:]
  private var complete: Set<UInt32> = []

  init(isExpected: Bool) { self.isExpected = isExpected }

  /// Takes one frame.
  ///
  /// - Returns: The whole map if this was its last part.
  /// - Throws: `WireError` unless extents follow each other without gap and end with the stream.
  mutating func take(
    _ payload: RawSpan, of stream: StreamDescription, isLast: Bool
  ) throws(WireError) -> [MapExtent]? {
    guard isExpected, let size = stream.size, !complete.contains(stream.id) else {
      throw .state(.extents, state: "for stream \(stream.id)")
    }
    var extents = parts.removeValue(forKey: stream.id) ?? []
    try ExtentsFrame.parse(payload) { extent throws(WireError) in
      let position = extents.last.map { $0.offset + $0.length } ?? 0
      guard extent.offset == position, extent.length <= size - position else {
        throw .field(.extents, field: "offset", value: extent.offset)
      }
      extents.append(extent)
    }
    guard isLast else {
      parts[stream.id] = extents
      return nil
    }
    let end = extents.last.map { $0.offset + $0.length } ?? 0
    guard end == size else { throw .field(.extents, field: "length", value: end) }
    complete.insert(stream.id)
    return extents
  }

  /// Whether every stream whose size is known has its map, if maps were agreed on.
  func isComplete(_ streams: [StreamDescription]) -> Bool {
    !isExpected || streams.allSatisfy { $0.size == nil || complete.contains($0.id) }
  }
}
