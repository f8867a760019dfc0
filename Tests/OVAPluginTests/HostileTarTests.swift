import CommandLine
import BackupProtocol
import ScriptedHost
import TarFormat
import Testing

/// An archive that must be refused, or that must not, next to one that is.
struct Wreck: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let code: ErrorCode
  let words: String
  let bytes: [UInt8]

  init(_ description: String, _ code: ErrorCode = .corrupt, says words: String, _ bytes: [UInt8]) {
    testDescription = description
    self.code = code
    self.words = words
    self.bytes = bytes
  }

  private static let zeros = [UInt8](repeating: 0, count: 512)

  static let names = [
    "../d.raw", "/etc/d.raw", "a/../../d.raw", "..", "./..", ".hidden", "a/.hidden", "a/",
    "d\u{1B}[31m.raw", "./", "",
  ].map { Wreck("the name \($0)", says: "name", TarMaker.file($0)) }

  static let headers = [
    Wreck("nothing", says: "ends inside its first header", []),
    Wreck("text", says: "not a tar archive", [UInt8](repeating: 0x61, count: 2048)),
    Wreck(
      "bytes whose signed sum is negative and that have no checksum", says: "not a tar archive",
      [UInt8](repeating: 0x80, count: 100) + [UInt8](repeating: 0, count: 1948)),
    Wreck("a byte of a header", says: "checksum", Self.flipped(TarMaker.file("d.raw"), 3)),
    Wreck(
      "a negative size", says: "invalid size",
      TarMaker.file("d.raw") { $0[124] = 0xFF }),
    Wreck(
      "a size of letters", says: "invalid size",
      TarMaker.file("d.raw") { $0[130] = 0x78 }),
    Wreck(
      "a size of 2^63", says: "invalid size",
      TarMaker.file("d.raw") { $0.replaceSubrange(124..<136, with: base256(1 << 63)) }),
    Wreck(
      "a size of 2^53", says: "invalid size",
      TarMaker.file("d.raw") { $0.replaceSubrange(124..<136, with: base256(1 << 53)) }),
    Wreck("a size that is not there", says: "ends inside", TarMaker.file("d.raw", size: 1 << 40)),
    Wreck("a header after zeros", says: "starts with zeros", zeros + TarMaker.file("d.raw")),
    Wreck("no end", says: "end mark", Array(TarMaker.file("d.raw").dropLast(1024))),
    Wreck("another volume", .unsupported, says: "volume", TarMaker.file("d.raw", type: "M")),
    Wreck("an unknown type", .unsupported, says: "type", TarMaker.file("d.raw", type: "Q")),
    Wreck("a name of 100 KB", .tooLarge, says: "long name", Self.longName()),
    Wreck("headers without end", says: "headers", Self.headersOnly()),
    Wreck("a header for nothing", says: "without its member", Self.recordsOnly()),
  ]

  static let records = [
    Wreck("a length of 0", says: "malformed record", Self.recordText("0 a=b\n")),
    Wreck("a length too small", says: "malformed record", Self.recordText("5 a=b\n")),
    Wreck("a length too large", says: "malformed record", Self.recordText("7 a=b\n")),
    Wreck("a huge length", says: "malformed record", Self.recordText("99999999999999999999 a=b\n")),
    Wreck("no length", says: "malformed record", Self.recordText("a=b\n")),
    Wreck("no key", says: "key", Self.recordText("5 =b\n")),
    Wreck("no value", says: "key", Self.recordText("5 ab\n")),
    Wreck("a size of letters", says: "invalid size", TarMaker.records([("size", "x")])),
    Wreck(
      "a size of 2^64", says: "invalid size", TarMaker.records([("size", "18446744073709551616")])),
    Wreck("a size of 2^53", says: "invalid size", TarMaker.records([("size", "9007199254740992")])),
    Wreck("a path with a NUL", says: "NUL", TarMaker.records([("path", "a\0b")])),
    Wreck("a path outside", says: "unsafe path", TarMaker.records([("path", "../x")])),
    Wreck("a size for all", says: "all members", TarMaker.records([("size", "1")], type: "g")),
    Wreck("a malformed comment of ours", says: "JSON", Self.comment("sluice {")),
    Wreck(
      "contents of nothing", says: "streams", Self.comment("sluice {\"sluice_receipt\":1}")),
  ]

  static let maps = [
    Wreck(
      "extents that overlap", says: "overlap", TarMaker.sparse("2\n0\n512\n256\n9\n", data: 512)),
    Wreck(
      "extents out of order", says: "out of order", TarMaker.sparse("2\n65536\n256\n0\n256\n")),
    Wreck("an extent beyond the end", says: "beyond the end", TarMaker.sparse("1\n131000\n512\n")),
    Wreck(
      "an extent beyond 2^64", says: "beyond the end",
      TarMaker.sparse("1\n512\n18446744073709551615\n")),
    Wreck("more than is stored", says: "as in its sparse map", TarMaker.sparse("1\n0\n1024\n")),
    Wreck("less than is stored", says: "as in its sparse map", TarMaker.sparse("1\n0\n256\n")),
    Wreck("letters", says: "number", TarMaker.sparse("1\nx\n512\n")),
    Wreck("an empty line", says: "number", TarMaker.sparse("1\n\n512\n")),
    Wreck(
      "a number without end", says: "number",
      TarMaker.sparse("1\n" + String(repeating: "1", count: 40))),
    Wreck("more extents than lines", says: "number", TarMaker.sparse("2\n0\n512\n")),
    Wreck(
      "a map longer than its member", says: "longer",
      TarMaker.sparse("600\n" + String(repeating: "0\n", count: 254), data: 0)),
    Wreck("a billion extents", .tooLarge, says: "extents", TarMaker.sparse("1000000000\n")),
    Wreck("no size", says: "invalid", TarMaker.sparse("1\n0\n512\n", realSize: "x")),
    Wreck(
      "version 2.0", .unsupported, says: "version",
      TarMaker.records([("GNU.sparse.major", "2"), ("GNU.sparse.minor", "0")])),
    Wreck(
      "0.1 with an odd count", says: "without its length",
      TarMaker.records([("GNU.sparse.size", "1024"), ("GNU.sparse.map", "0,512,600")])),
    Wreck(
      "0.1 with letters", says: "number",
      TarMaker.records([("GNU.sparse.size", "1024"), ("GNU.sparse.map", "0,x")])),
    Wreck(
      "0.1 that does not add up", says: "as in its sparse map",
      TarMaker.records([("GNU.sparse.size", "1024"), ("GNU.sparse.map", "0,511")])),
    Wreck(
      "0.0 without offset", says: "without its offset",
      TarMaker.records([("GNU.sparse.size", "1024"), ("GNU.sparse.numbytes", "512")])),
    Wreck(
      "an old map of letters", says: "number",
      TarMaker.file("d.raw", type: "S") {
        $0.replaceSubrange(386..<410, with: Array("0000000000x\u{0}00000001000\u{0}".utf8))
        $0.replaceSubrange(483..<495, with: Array("00000002000\u{0}".utf8))
      }),
    Wreck(
      "an old map that does not add up", says: "as in its sparse map",
      TarMaker.file("d.raw", type: "S") {
        $0.replaceSubrange(386..<410, with: Array("00000000000\u{0}00000000777\u{0}".utf8))
        $0.replaceSubrange(483..<495, with: Array("00000002000\u{0}".utf8))
      }),
    Wreck("an old map without end", .tooLarge, says: "too long", endlessMap()),
    Wreck(
      "an old map without size", says: "invalid size",
      TarMaker.file("d.raw", type: "S") {
        $0[483] = 0x39
      }),
  ]

  private static func flipped(_ bytes: [UInt8], _ place: Int) -> [UInt8] {
    var bytes = bytes
    bytes[place] ^= 1
    return bytes
  }

  private static func recordText(_ text: String) -> [UInt8] {
    var maker = TarMaker()
    maker.add("records", Array(text.utf8), type: "x")
    maker.add("d.raw", [1])
    return maker.finished
  }

  private static func comment(_ text: String) -> [UInt8] {
    TarMaker.records([("comment", text)], type: "g")
  }

  private static func longName() -> [UInt8] {
    var maker = TarMaker()
    maker.add("long", [UInt8](repeating: 0x61, count: 100_000), type: "L")
    maker.add("d.raw", [1])
    return maker.finished
  }

  /// Blocks that hold no extent and announce another.
  private static func endlessMap() -> [UInt8] {
    let header = TarMaker.file("d.raw", type: "S") {
      $0.replaceSubrange(483..<495, with: Array("00000002000\u{0}".utf8))
      $0[482] = 1
    }
    var block = [UInt8](repeating: 0, count: 512)
    block[504] = 1
    return header.prefix(512) + Array(repeatElement(block, count: 1 << 17).joined())
  }

  private static func headersOnly() -> [UInt8] {
    var maker = TarMaker()
    for _ in 0..<20 { maker.addRecords([("a", "b")]) }
    maker.add("d.raw", [1])
    return maker.finished
  }

  private static func recordsOnly() -> [UInt8] {
    var maker = TarMaker()
    maker.addRecords([("a", "b")])
    return maker.finished
  }
}

/// A number as GNU writes large ones.
func base256(_ number: UInt64) -> [UInt8] {
  [0x80, 0, 0, 0] + (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * $0)) }
}

@Suite(.inTurns) struct `A hostile tar archive` {
  @Test(arguments: Wreck.names + Wreck.headers + Wreck.records + Wreck.maps)
  func `is refused in words`(wreck: Wreck) throws {
    try expectFailure(wreck.bytes, wreck.code, says: wreck.words)
  }

  @Test func `is not what is merely odd`() throws {
    let data = [UInt8](repeating: 7, count: 512)
    let odd: [(bytes: [UInt8], size: UInt64)] = [
      (TarMaker.file("./d.raw"), 512), (TarMaker.file("a/b/d.raw"), 512),
      (TarMaker.file("d.raw") { $0.replaceSubrange(124..<136, with: base256(512)) }, 512),
      (
        TarMaker.file("d.raw") { $0.replaceSubrange(124..<136, with: Array("000000001000".utf8)) },
        512
      ),
      (
        TarMaker.file("d.raw") { $0.replaceSubrange(124..<136, with: Array("       1000 ".utf8)) },
        512
      ),
      (TarMaker.sparse("1\n0\n512\n"), 131072), (TarMaker.sparse("2\n0\n512\n131072\n0\n"), 131072),
      (TarMaker.records([("size", "512"), ("path", "d.raw")]), 512),
      (TarMaker.records([("comment", "somebody else's")], type: "g"), 512),
      (TarMaker.records([("GNU.sparse.size", "1024"), ("GNU.sparse.map", "512,512")]), 1024),
    ]
    for archive in odd {
      let outcome = try workshop.readAll(try ScratchArchive(archive.bytes))
      #expect(outcome.code == .none, "\(outcome.message)")
      #expect(outcome.streams.map(\.name) == ["d"] && outcome.streams[0].size == archive.size)
      #expect(outcome.answers[0].bytes.filter { $0 == 7 }.count == data.count)
    }
  }

  @Test func `of a petabyte of holes takes no memory and no time`() throws {
    let bytes = TarMaker.sparse("1\n1125899906842112\n512\n", realSize: "1125899906842624")
    let outcome = try workshop.readAll(try ScratchArchive(bytes), .read)
    #expect(outcome.code == .none, "\(outcome.message)")
    #expect(outcome.streams[0].size == 1 << 50)
  }

  @Test func `with 1025 files is refused`() throws {
    var maker = TarMaker()
    for number in 0..<1024 { maker.add("c\(number)", [1]) }
    #expect(try workshop.readAll(try ScratchArchive(maker.finished)).code == .none)
    maker.add("one-more", [1])
    try expectFailure(maker.finished, .tooLarge, says: "1024")
  }

  @Test func `of ours with streams missing, swapped or of other sizes is refused`() throws {
    let contents: [Content] = [
      .disk(1, "d", noise(70_000, seed: 1)), .disk(2, "e", noise(70_000, seed: 2)),
    ]
    let bytes = try workshop.write(contents).bytes()
    let comment = Int(String(decoding: bytes[124..<135], as: UTF8.self), radix: 8) ?? 0
    let first = 512 + (comment + 511) / 512 * 512
    let member = 512 + 70_144
    let (head, d) = (bytes[..<first], bytes[first..<(first + member)])
    let (e, tail) = (
      bytes[(first + member)..<(first + 2 * member)], bytes[(first + 2 * member)...]
    )
    try expectFailure(Array(head + d + tail), says: "\"e\" is missing")
    try expectFailure(Array(head + d + e + TarBlock.end), says: "manifest.json")
    try expectFailure(Array(head + e + d + tail), says: "manifest.json")
    var short = TarMaker()
    short.add("d.raw", [1, 2, 3])
    try expectFailure(Array(head + short.bytes + e + tail), says: "instead of")
    var more = TarMaker()
    more.add("x", [1])
    try expectFailure(
      Array(head + d + e + tail.dropLast(1024)) + more.finished, says: "member after")
  }
}
