package import ArchiveBytes

/// A member of an archive, as its headers describe it.
package struct TarMember: Equatable, Sendable {
  package enum Kind: Equatable, Sendable {
    case file, directory
    /// Anything without bytes of its own to give back: a link, a device, a pipe.
    case special
  }

  /// As it is recorded; may be a path, and may be hostile.
  package let name: String
  package let kind: Kind
  /// The file's size, and where it has data.
  package let map: SparseMap
  /// Whether the archive leaves out holes of it.
  package let isSparse: Bool
  /// Where in the archive the bytes of the extents are, one after the other.
  package let dataOffset: UInt64

  /// Bytes of the file.
  package var byteCount: UInt64 { map.byteCount }

  /// Puts the file into `sink`: zeros in whole clusters where nothing is stored, the rest in pieces
  /// of whole clusters, whose gaps are filled with zeros.
  ///
  /// - Parameter source: Stands at ``dataOffset``; stands after the last extent afterwards.
  /// - Throws: E_CORRUPT if the archive ends too early; what source and sink throw.
  package func deliver(
    from source: any ByteSource, to sink: any ClusterSink
  ) throws(ArchiveError) {
    var cursor = PieceCursor(map, pieceBytesMax: UInt64(sink.pieceBytesMax))
    while let piece = cursor.next() {
      guard piece.hasData else {
        try sink.zeros(piece.range.upperBound - piece.range.lowerBound)
        continue
      }
      let count = Int(piece.range.upperBound - piece.range.lowerBound)
      let masks = piece.masks(map)
      try sink.data(count, masks: masks.span) { span throws(ArchiveError) in
        try fill(&span, piece) { span, start, _, part throws(ArchiveError) in
          try source.fill(&span, from: start, count: part.count, of: "\"\(name)\"")
        }
      }
    }
  }

  /// Fills a piece: what is in no extent is zeros.
  ///
  /// - Parameter read: Puts a part of an extent of that number where it begins in the span.
  func fill(
    _ span: inout MutableRawSpan, _ piece: PieceCursor.Piece,
    _ read: (inout MutableRawSpan, Int, Int, Range<UInt64>) throws(ArchiveError) -> Void
  ) throws(ArchiveError) {
    var done = 0
    for index in piece.extents {
      let part = map.extents[index].clamped(to: piece.range)
      let start = Int(part.lowerBound - piece.range.lowerBound)
      Self.clear(&span, done..<start)
      try read(&span, start, index, part)
      done = start + part.count
    }
    Self.clear(&span, done..<span.byteCount)
  }

  private static func clear(_ span: inout MutableRawSpan, _ range: Range<Int>) {
    if range.isEmpty { return }
    unsafe span.withUnsafeMutableBytes { buffer in
      unsafe _ = UnsafeMutableRawBufferPointer(rebasing: buffer[range])
        .initializeMemory(as: UInt8.self, repeating: 0)
    }
  }
}
