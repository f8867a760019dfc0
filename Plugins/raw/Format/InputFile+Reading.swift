package import WriterKit

// A file that is the stream, byte for byte: what is a hole in it is never read.
extension InputFile {
  /// Puts what the sink wants.
  ///
  /// - Parameters:
  ///   - seeBytes: Gets what is read.
  ///   - seeZeros: Gets bytes of holes.
  package func put(
    into sink: ReadSink, seeBytes: (RawSpan) -> Void = { _ in },
    seeZeros: (UInt64) -> Void = { _ in }
  ) throws(PluginError) {
    var masks: [BlockMask] = []
    while sink.bytesLeft > 0 {
      let start = sink.position
      let map = try PieceMap(
        self, from: start, end: sink.end, countMax: sink.pieceBytesMax, masks: &masks)
      if map.holeBytes > 0 {
        seeZeros(map.holeBytes)
        try sink.zeros(map.holeBytes)
        continue
      }
      try sink.data(map.dataBytes, masks: masks.span) { span throws(PluginError) in
        try read(into: &span, at: start)
        seeBytes(span.bytes)
      }
    }
  }

  /// Puts what can be read. A file of another length costs what is missing; a part of it that the
  /// storage cannot read, the clusters it is in.
  package func salvage(into sink: ReadSink) throws(PluginError) {
    let end = size < sink.end ? size / Cluster.bytes * Cluster.bytes : sink.end
    var masks: [BlockMask] = []
    while sink.position < end {
      let map = try PieceMap(
        self, from: sink.position, end: end, countMax: sink.pieceBytesMax, masks: &masks)
      if map.holeBytes > 0 {
        try sink.zeros(map.holeBytes)
      } else if !(try hasPut(map.dataBytes, masks, into: sink, isLast: false)) {
        try putClusters(map.dataBytes, masks, into: sink)
      }
    }
    if sink.bytesLeft > 0 { try sink.damaged(sink.bytesLeft, "\(name) is truncated") }
  }

  /// Opens a file for a salvage.
  ///
  /// - Returns: `nil` if all of it is lost, which was told.
  package static func forSalvage(
    _ name: String, in directory: Int32, _ sink: ReadSink
  ) throws(PluginError) -> InputFile? {
    do throws(PluginError) { return try InputFile(opening: name, in: directory) } catch {
      if sink.bytesLeft > 0 { try sink.damaged(sink.bytesLeft, error.message) }
      return nil
    }
  }

  private func putClusters(
    _ count: Int, _ masks: [BlockMask], into sink: ReadSink
  ) throws(PluginError) {
    let cluster = Int(Cluster.bytes)
    for number in 0..<Cluster.count(in: count) {
      let part = min(cluster, count - number * cluster)
      _ = try hasPut(part, [masks[number]], into: sink, isLast: true)
    }
  }

  /// - Parameter isLast: What cannot be read is lost.
  /// - Returns: Whether the bytes were put, or are lost.
  private func hasPut(
    _ count: Int, _ masks: [BlockMask], into sink: ReadSink, isLast: Bool
  ) throws(PluginError) -> Bool {
    let start = sink.position
    do throws(PluginError) {
      try sink.data(count, masks: masks.span) { span throws(PluginError) in
        try read(into: &span, at: start)
      }
    } catch {
      guard error.code == .io else { throw error }
      guard isLast else { return false }
      try sink.damaged(UInt64(count), error.message)
    }
    return true
  }
}
