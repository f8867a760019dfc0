import ArchiveBytes
import BackupProtocol

extension TarWalk {
  /// The member whose header was read; the source stands at its first extent afterwards.
  func member(
    _ header: RawHeader, _ extensions: HeaderExtensions
  ) throws(ArchiveError) -> TarMember {
    let records = extensions.records
    let name = try name(header, extensions)
    let kind = try Self.kind(header.type, name)
    let size = try records.number("size") ?? header.byteCount
    guard size <= Limits.streamBytesMax else {
      throw .corrupt("\"\(name)\" has an invalid size")
    }
    guard kind == .file else {
      // Links and devices have no bytes, whatever their size says; directories of GNU's
      // incremental archives have.
      endMember(kind == .special ? 0 : size)
      return TarMember(
        name: name, kind: kind, map: SparseMap(byteCount: 0), isSparse: false,
        dataOffset: source.position)
    }
    let start = source.position
    guard let map = try sparseMap(header, records, storedBytes: size) else {
      endMember(size)
      return TarMember(
        name: name, kind: kind, map: SparseMap(full: size), isSparse: false, dataOffset: start)
    }
    // A map in the member's data counts with it, one in blocks behind the header does not.
    let mapBytes = header.type == UInt8(ascii: "S") ? 0 : source.position - start
    guard mapBytes <= size, map.dataBytes == size - mapBytes else {
      throw .corrupt(
        "\"\(name)\" has \(size) bytes instead of \(map.dataBytes) as in its sparse map")
    }
    endMember(map.dataBytes)
    return TarMember(
      name: name, kind: kind, map: map, isSparse: true, dataOffset: source.position)
  }

  private func name(
    _ header: RawHeader, _ extensions: HeaderExtensions
  ) throws(ArchiveError) -> String {
    let records = extensions.records
    guard let bytes = records["GNU.sparse.name"] ?? records["path"] else {
      return extensions.longName ?? header.name
    }
    guard !bytes.contains(0) else { throw .corrupt("a member has a NUL in its name") }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func kind(_ type: UInt8, _ name: String) throws(ArchiveError) -> TarMember.Kind {
    switch type {
    case 0, UInt8(ascii: "0"), UInt8(ascii: "7"), UInt8(ascii: "S"): return .file
    case UInt8(ascii: "5"), UInt8(ascii: "D"): return .directory
    case UInt8(ascii: "1")...UInt8(ascii: "6"), UInt8(ascii: "V"): return .special
    case UInt8(ascii: "M"):
      throw ArchiveError(.unsupported, "\"\(name)\" is continued from another volume")
    default:
      throw ArchiveError(.unsupported, "\"\(name)\" has the unknown type \(type)")
    }
  }

  /// The map of a sparse file, of any of the four kinds.
  ///
  /// - Returns: `nil` for a file that is stored whole.
  private func sparseMap(
    _ header: RawHeader, _ records: PAXRecords, storedBytes: UInt64
  ) throws(ArchiveError) -> SparseMap? {
    if header.type == UInt8(ascii: "S") { return try oldMap(header) }
    let major = try records.number("GNU.sparse.major")
    if major != nil || records["GNU.sparse.minor"] != nil {
      guard major == 1, try records.number("GNU.sparse.minor") == 0 else {
        throw ArchiveError(.unsupported, "unknown version of a sparse file")
      }
      return try mapInData(try realSize(records), storedBytes: storedBytes)
    }
    if let text = records["GNU.sparse.map"] {
      return try map(listed: text, byteCount: try realSize(records))
    }
    guard records["GNU.sparse.numblocks"] != nil || records["GNU.sparse.size"] != nil else {
      return nil
    }
    return try map(inRecords: records, byteCount: try realSize(records))
  }

  private func realSize(_ records: PAXRecords) throws(ArchiveError) -> UInt64 {
    let key = records["GNU.sparse.realsize"] == nil ? "GNU.sparse.size" : "GNU.sparse.realsize"
    guard let size = try records.number(key), size <= Limits.streamBytesMax else {
      throw .corrupt("invalid size of a sparse file")
    }
    return size
  }

  /// Version 0.0: two records for each extent.
  private func map(
    inRecords records: PAXRecords, byteCount: UInt64
  ) throws(ArchiveError) -> SparseMap {
    var map = SparseMap(byteCount: byteCount)
    var offset: UInt64?
    for record in records.records {
      if record.key == "GNU.sparse.offset" {
        offset = record.value.decimal
      } else if record.key == "GNU.sparse.numbytes" {
        guard let start = offset, let length = record.value.decimal else {
          throw .corrupt("a sparse map has a length without its offset")
        }
        try map.append(start, length)
        offset = nil
      }
    }
    return map
  }

  /// Version 0.1: one record with all numbers.
  private func map(
    listed text: ArraySlice<UInt8>, byteCount: UInt64
  ) throws(ArchiveError) -> SparseMap {
    var map = SparseMap(byteCount: byteCount)
    var offset: UInt64?
    if text.isEmpty { return map }
    for field in text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
      guard let number = field.decimal else {
        throw .corrupt("malformed number in a sparse map")
      }
      guard let start = offset else {
        offset = number
        continue
      }
      try map.append(start, number)
      offset = nil
    }
    guard offset == nil else { throw .corrupt("a sparse map has an offset without its length") }
    return map
  }

  /// Version 1.0: lines of digits at the beginning of the data, up to a whole block.
  private func mapInData(
    _ byteCount: UInt64, storedBytes: UInt64
  ) throws(ArchiveError) -> SparseMap {
    var lines = MapLines(walk: self, blocksLeft: storedBytes / UInt64(TarBlock.byteCount))
    let count = try lines.next()
    guard count <= UInt64(SparseMap.extentsMax) else {
      throw ArchiveError(
        .tooLarge, "a sparse map has more than \(SparseMap.extentsMax) extents")
    }
    var map = SparseMap(byteCount: byteCount)
    for _ in 0..<count { try map.append(try lines.next(), try lines.next()) }
    return map
  }

  /// Extents in a block after the header of GNU's old map.
  private static let extentsPerBlock = 21

  /// GNU's old map: four extents in the header, then blocks of 21.
  private func oldMap(_ header: RawHeader) throws(ArchiveError) -> SparseMap {
    guard let size = RawHeader.number(header.block[483..<495]), size <= Limits.streamBytesMax else {
      throw .corrupt("invalid size of a sparse file")
    }
    var map = SparseMap(byteCount: size)
    try append(header.block, from: 386, count: 4, to: &map)
    var isContinued = header.block[482] != 0
    // Blocks without an extent would go on for ever.
    var blocksLeft = SparseMap.extentsMax / Self.extentsPerBlock + 1
    while isContinued {
      guard blocksLeft > 0 else {
        throw ArchiveError(.tooLarge, "a sparse map is too long")
      }
      blocksLeft -= 1
      let block = try readBlock("a sparse map")
      try append(block, from: 0, count: Self.extentsPerBlock, to: &map)
      isContinued = block[504] != 0
    }
    return map
  }

  private func append(
    _ block: [UInt8], from first: Int, count: Int, to map: inout SparseMap
  ) throws(ArchiveError) {
    for entry in 0..<count {
      let place = first + 24 * entry
      // An entry that is not used is all NULs.
      if block[place] == 0 && block[place + 12] == 0 { return }
      guard let offset = RawHeader.number(block[place..<(place + 12)]),
        let length = RawHeader.number(block[(place + 12)..<(place + 24)])
      else { throw .corrupt("malformed number in a sparse map") }
      try map.append(offset, length)
    }
  }
}

/// The lines of a map in a member's data, block after block.
private struct MapLines {
  let walk: TarWalk
  /// Blocks that the member has.
  var blocksLeft: UInt64
  private var block: [UInt8] = []
  private var place = 0

  init(walk: TarWalk, blocksLeft: UInt64) {
    self.walk = walk
    self.blocksLeft = blocksLeft
  }

  mutating func next() throws(ArchiveError) -> UInt64 {
    var digits: [UInt8] = []
    while true {
      if place == block.count {
        guard blocksLeft > 0 else { throw .corrupt("a sparse map is longer than its member") }
        block = try walk.readBlock("a sparse map")
        blocksLeft -= 1
        place = 0
      }
      let byte = block[place]
      place += 1
      if byte == 0x0A { break }
      digits.append(byte)
      guard digits.count <= 20 else { throw .corrupt("malformed number in a sparse map") }
    }
    guard let number = digits.decimal else {
      throw .corrupt("malformed number in a sparse map")
    }
    return number
  }
}
