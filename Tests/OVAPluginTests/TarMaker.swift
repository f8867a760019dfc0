import ArchiveBytes

@testable import TarFormat

/// Makes archives as no program would.
struct TarMaker {
  var bytes: [UInt8] = []

  /// A member of any type, with a header that can be changed before its checksum is made.
  mutating func add(
    _ name: String, _ content: [UInt8] = [], type: Character = "0", size: UInt64? = nil,
    _ change: (inout [UInt8]) -> Void = { _ in }
  ) {
    var block = TarHeader(name: "x", byteCount: size ?? UInt64(content.count)).block()
    block.replaceSubrange(0..<100, with: [UInt8](repeating: 0, count: 100))
    block.replaceSubrange(0..<min(100, name.utf8.count), with: Array(name.utf8.prefix(100)))
    block[156] = type.asciiValue ?? 0
    change(&block)
    Self.fixChecksum(&block)
    bytes += block + content
    bytes += [UInt8](repeating: 0, count: TarBlock.paddingBytes(behind: UInt64(content.count)))
  }

  /// PAX records, as text.
  mutating func addRecords(_ records: [(String, String)], type: Character = "x") {
    var encoder = PAXRecords()
    for record in records { encoder.append(record.0, record.1) }
    add("records", encoder.encoded, type: type)
  }

  /// The archive with its end mark.
  var finished: [UInt8] { bytes + TarBlock.end }

  static func fixChecksum(_ block: inout [UInt8]) {
    block.replaceSubrange(148..<156, with: Array("        ".utf8))
    let sum = String(block.reduce(0) { $0 + Int($1) }, radix: 8)
    let digits = String(repeating: "0", count: 6 - sum.count) + sum
    block.replaceSubrange(148..<156, with: Array(digits.utf8) + [0, 0x20])
  }

  /// An archive of one sparse file, of version 1.0 with this map.
  static func sparse(_ map: String, realSize: String = "131072", data: Int = 512) -> [UInt8] {
    var maker = TarMaker()
    maker.addRecords([
      ("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "d.raw"),
      ("GNU.sparse.realsize", realSize),
    ])
    let padding = TarBlock.paddingBytes(behind: UInt64(map.utf8.count))
    let content =
      Array(map.utf8) + [UInt8](repeating: 0, count: padding) + [UInt8](repeating: 7, count: data)
    maker.add("./GNUSparseFile.0/d.raw", content)
    return maker.finished
  }

  /// An archive of one file behind PAX records.
  static func records(_ records: [(String, String)], type: Character = "x") -> [UInt8] {
    var maker = TarMaker()
    maker.addRecords(records, type: type)
    maker.add("d.raw", [UInt8](repeating: 7, count: 512))
    return maker.finished
  }

  /// An archive of one file.
  static func file(
    _ name: String, size: UInt64? = nil, type: Character = "0",
    _ change: (inout [UInt8]) -> Void = { _ in }
  ) -> [UInt8] {
    var maker = TarMaker()
    maker.add(name, [UInt8](repeating: 7, count: 512), type: type, size: size, change)
    return maker.finished
  }
}
