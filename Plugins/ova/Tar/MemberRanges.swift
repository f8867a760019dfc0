package import ArchiveBytes
internal import BackupProtocol

/// Parts of a member, in any order, of an archive that has bytes at any place.
package struct MemberRanges {
  package let member: TarMember
  /// Of each extent: where its bytes are in the archive.
  private let places: [UInt64]

  package init(_ member: TarMember) {
    self.member = member
    var place = member.dataOffset
    places = member.map.extents.map { extent in
      defer { place += extent.upperBound - extent.lowerBound }
      return place
    }
  }

  /// What it takes in memory.
  package var extentCount: Int { places.count }

  /// Puts a part of the file into `sink`, cut as ``TarMember/deliver(from:to:)`` cuts all of it.
  ///
  /// - Parameter range: Begins on a multiple of 64 KiB, and ends on one or with the file.
  /// - Throws: E_CORRUPT if the archive ends too early; what source and sink throw.
  package func deliver(
    _ range: Range<UInt64>, from source: any RandomSource, to sink: any ClusterSink
  ) throws(ArchiveError) {
    let (map, name) = (member.map, member.name)
    var cursor = PieceCursor(map, range, pieceBytesMax: UInt64(sink.pieceBytesMax))
    while let piece = cursor.next() {
      guard piece.hasData else {
        try sink.zeros(UInt64(piece.range.count))
        continue
      }
      let masks = piece.masks(map)
      try sink.data(piece.range.count, masks: masks.span) { span throws(ArchiveError) in
        try member.fill(&span, piece) { span, start, index, part throws(ArchiveError) in
          try source.fill(
            &span, from: start, count: part.count,
            at: places[index] + part.lowerBound - map.extents[index].lowerBound,
            of: "\"\(name)\"")
        }
      }
    }
  }
}
