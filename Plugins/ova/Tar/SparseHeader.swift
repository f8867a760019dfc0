import ArchiveBytes

/// What stands before the bytes of a file in a `tar` archive: for a file with holes GNU's sparse
/// format 1.0, whose map is the beginning of the member's data. The extents' bytes follow, then
/// padding.
package struct SparseHeader {
  /// The records, the header, and of a file with holes the map: a multiple of 512 bytes.
  package let bytes: [UInt8]
  /// Bytes that follow: of all extents.
  package let dataBytes: UInt64

  /// - Parameters:
  ///   - name: 1…255 bytes without `/`.
  ///   - modified: Seconds since 1970.
  package init(name: String, map: SparseMap, modified: Int64) {
    dataBytes = map.dataBytes
    var records = PAXRecords()
    let mapText = map.isFull ? [] : Self.text(map)
    // The map counts with the data.
    let stored = UInt64(mapText.count) + map.dataBytes
    var header = TarHeader(name: name, byteCount: stored, modified: modified)
    if map.isFull {
      if !TarHeader.fits(name) { records.append("path", name) }
    } else {
      records.append("GNU.sparse.major", "1")
      records.append("GNU.sparse.minor", "0")
      records.append("GNU.sparse.name", name)
      records.append("GNU.sparse.realsize", String(map.byteCount))
      header.name = "./GNUSparseFile.0/" + name
    }
    if !TarHeader.fits(header.name) { header.name = "./GNUSparseFile.0/file" }
    if stored > TarBlock.octalMax { records.append("size", String(stored)) }
    bytes = Self.extended(records, modified: modified) + header.block() + mapText
  }

  /// A member that says something about all that follow, and that extracts to nothing.
  package static func comment(_ text: String, modified: Int64) -> [UInt8] {
    var records = PAXRecords()
    records.append("comment", text)
    return member(.global, "pax_global_header", records, modified)
  }

  private static func extended(_ records: PAXRecords, modified: Int64) -> [UInt8] {
    records.records.isEmpty ? [] : member(.extended, "./PaxHeaders/file", records, modified)
  }

  private static func member(
    _ kind: TarHeader.Kind, _ name: String, _ records: PAXRecords, _ modified: Int64
  ) -> [UInt8] {
    let content = records.encoded
    var header = TarHeader(name: name, byteCount: UInt64(content.count), modified: modified)
    header.kind = kind
    let padding = TarBlock.paddingBytes(behind: UInt64(content.count))
    return header.block() + content + [UInt8](repeating: 0, count: padding)
  }

  /// The map in lines of decimal digits: how many extents, then of each offset and length. A hole
  /// at the end is told by an empty extent there.
  private static func text(_ map: SparseMap) -> [UInt8] {
    let endsInHole = map.extents.last?.upperBound != map.byteCount
    var text: [UInt8] = []
    func line(_ number: UInt64) {
      text += Array(String(number).utf8)
      text.append(0x0A)
    }
    line(UInt64(map.extents.count + (endsInHole ? 1 : 0)))
    for extent in map.extents {
      line(extent.lowerBound)
      line(extent.upperBound - extent.lowerBound)
    }
    if endsInHole {
      line(map.byteCount)
      line(0)
    }
    let padding = TarBlock.paddingBytes(behind: UInt64(text.count))
    return text + [UInt8](repeating: 0, count: padding)
  }
}
