import CommandLine
import BackupProtocol
import ScriptedHost
import Testing
import VMAFormat

/// A fault in a good archive: of the configurations "a.conf" and "b.conf", the disk "d" of 81
/// clusters in two extents, and "e" of two.
struct Damage: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let change: @Sendable (inout Wreck) -> Void

  init(_ description: String, _ change: @escaping @Sendable (inout Wreck) -> Void) {
    testDescription = description
    self.change = change
  }

  /// In the header, whose checksum is right again.
  static func header(
    _ description: String, _ change: @escaping @Sendable (inout Wreck) -> Void
  ) -> Damage { Damage(description) { $0.changeHeader(change) } }

  /// In the first extent, whose checksum is right again.
  static func extent(
    _ description: String, _ change: @escaping @Sendable (inout Wreck, Int) -> Void
  ) -> Damage { Damage(description) { $0.changeExtent(0, change) } }
}

/// Bytes of the first blob, the name of the first configuration.
private let firstName = 12288 + 1 + 2
private let deviceOne = 4096 + 32

private let headerDamages: [Damage] = [
  .header("another magic") { $0[0, UInt32.self] = 0x564D_4101 },
  .header("version 2") { $0[4, UInt32.self] = 2 },
  Damage("a wrong checksum") { $0.bytes[32] ^= 1 },
  Damage("a flipped bit in a configuration") { $0.bytes[firstName + 12] ^= 1 },
  Damage("a flipped bit in a reserved place") { $0.bytes[100] ^= 1 },
  Damage("a header that is too small") { $0[56, UInt32.self] = 12288 },
  Damage("a header beyond the file") { $0[56, UInt32.self] = 1 << 25 },
  Damage("an end in the fixed header") { $0.bytes.removeLast($0.bytes.count - 100) },
  Damage("an end in the blobs") { $0.bytes.removeLast($0.bytes.count - 12290) },
  Damage("nothing at all") { $0.bytes = [] },
  .header("blobs in the fixed header") { $0[48, UInt32.self] = 12287 },
  .header("blobs beyond the header") { $0[52, UInt32.self] = 1 << 20 },
  .header("blobs that wrap around") { $0[48, UInt32.self] = .max },
  .header("a name that points between two blobs") { $0[2044, UInt32.self] += 1 },
  .header("a content that points between two blobs") { $0[3068, UInt32.self] += 1 },
  .header("a content beyond the blobs") { $0[3068, UInt32.self] = 1 << 24 },
  .header("a name without its NUL") { $0.bytes[firstName + 6] = 0x78 },
  .header("a name with two of them") { $0.bytes[firstName + 3] = 0 },
  .header("a name that leads out") {
    $0.bytes.replaceSubrange(firstName..<(firstName + 3), with: Array("../".utf8))
  },
  .header("a name with a slash") { $0.bytes[firstName + 1] = 0x2F },
  .header("a disk with a hidden name") {
    $0.bytes[12288 + 2 + Int($0[deviceOne, UInt32.self])] = 0x2E
  },
  .header("a name that is no text") { $0.bytes[firstName] = 0xFF },
  .header("a name with an escape sequence") { $0.bytes[firstName] = 0x1B },
  .header("a disk whose name is gone") { $0[deviceOne, UInt32.self] = 0 },
  .header("a disk without size") { $0[deviceOne + 8, UInt64.self] = 0 },
  .header("a disk that is longer than its clusters") { $0[deviceOne + 8, UInt64.self] += 65536 },
  .header("a disk that is shorter") { $0[deviceOne + 8, UInt64.self] -= 65536 },
  .header("a disk of 2^63 bytes") { $0[deviceOne + 8, UInt64.self] = 1 << 63 },
  .header("a disk of 256 TiB of which nothing comes") { $0[deviceOne + 8, UInt64.self] = 1 << 48 },
  .header("another identifier") { $0[8, UInt64.self] ^= 1 },
]

private let extentDamages: [Damage] = [
  .extent("no magic") { $0[$1, UInt32.self] = 0x564D_4146 },
  .extent("a reserved field in use") { $0[$1 + 4, UInt16.self] = 1 },
  .extent("an identifier of another archive") { $0[$1 + 8, UInt64.self] ^= 1 },
  Damage("a wrong checksum of an extent") { $0.bytes[$0.extents[1] + 30] ^= 1 },
  Damage("a flipped bit of a mask") { $0.bytes[$0.slot(0, 3)] ^= 1 },
  .extent("more blocks than the masks say") { $0[$1 + 6, UInt16.self] += 1 },
  .extent("fewer blocks than the masks say") { $0[$1 + 6, UInt16.self] -= 1 },
  .extent("a mask without one of its blocks") { $0[$1 + 40, UInt16.self] ^= 1 },
  .extent("a device that is not in the header") { $0.bytes[$1 + 43] = 77 },
  .extent("device 255") { $0.bytes[$1 + 43] = 255 },
  .extent("a cluster of another disk") { $0.bytes[$1 + 43] = 2 },
  .extent("a cluster twice") { $0[$1 + 44, UInt32.self] += 1 },
  .extent("a cluster behind the end, with data") { $0[$1 + 44, UInt32.self] = 90 },
  .extent("a cluster far behind the end") { $0[$1 + 44, UInt32.self] = .max },
  .extent("a cluster of zeros that is missing") {
    // Cluster 5 of "d" is zeros: without its slot no block is missing.
    $0[$1 + 40 + 8 * 5, UInt64.self] = 0
  },
  Damage("blocks behind the end of the last cluster") { wreck in
    let place = wreck.extents[1]
    // The last cluster of "e" has one block and a bit.
    wreck.changeExtent(1) { wreck, _ in
      let last = place + 40 + 8 * 24
      wreck[last, UInt16.self] = 0b100
    }
  },
]

private let lengthDamages: [Damage] = [
  Damage("an end behind an extent") { $0.bytes.removeLast($0.bytes.count - $0.extents[1]) },
  Damage("an end behind the header") { $0.bytes.removeLast($0.bytes.count - $0.headerBytes) },
  Damage("an end in an extent's header") {
    $0.bytes.removeLast($0.bytes.count - $0.extents[1] - 100)
  },
  Damage("an end in an extent's blocks") { $0.bytes.removeLast(5000) },
  Damage("an end one byte too early") { $0.bytes.removeLast() },
  Damage("a byte too many") { $0.bytes.append(0) },
  Damage("100 bytes too many") { $0.bytes += [UInt8](repeating: 1, count: 100) },
  Damage("512 zeros too many") { $0.bytes += [UInt8](repeating: 0, count: 512) },
  Damage("an extent that is left out") { $0.bytes.removeSubrange($0.extents[0]..<$0.extents[1]) },
  Damage("an extent that comes twice") { $0.bytes += $0.bytes[$0.extents[1]...] },
  Damage("an extent of another archive") { wreck in
    var other = ArchiveMaker([])
    other.identifier = ArchiveIdentifier(high: 1, low: 2)
    let start = other.bytes.count
    other.addExtent([])
    wreck.bytes += other.bytes[start...]
  },
  Damage("a cluster of zeros once more, at the end") { wreck in
    var other = ArchiveMaker([])
    let start = other.bytes.count
    other.addExtent([ExtentSlot(device: 1, cluster: 5, mask: 0)])
    wreck.bytes += other.bytes[start...]
  },
]

@Suite(.inTurns, .enabled(if: Checker.canRun, "needs python3")) struct `A damaged VMA archive` {
  static let contents: [Content] = [
    .config(1, "a.conf", Array("cores: 2\n".utf8)), .config(2, "b.conf", []),
    .disk(3, "d", noise(5 << 20 | 512, seed: 6) { $0 / 16 == 5 || $0 % 5 == 0 }),
    .disk(4, "e", noise(70144, seed: 5)),
  ]
  static let damages = headerDamages + extentDamages + lengthDamages

  @Test(arguments: damages)
  func `is found out, by the checker too`(damage: Damage) throws {
    var wreck = Wreck(bytes: ArchiveMaker.make(Self.contents).bytes)
    damage.change(&wreck)
    let file = try ScratchArchive(wreck.bytes)
    #expect(try !Checker.accepts(file, written: false), "the checker takes it")
    for talk in [Talk(), Talk(kind: .pipe)] {
      let outcome = try readAll(file, .verify, talk)
      #expect(
        [.corrupt, .tooLarge, .unsupported].contains(outcome.code),
        "\(outcome.code.name) \(outcome.message)")
      #expect(!outcome.message.isEmpty)
    }
  }

  @Test func `is not what the damages started from`() throws {
    let file = try ScratchArchive(ArchiveMaker.make(Self.contents).bytes)
    try Checker.expect(file, holds: Self.contents, written: true)
    try workshop.expect(file, holds: Self.contents)
    #expect(Self.damages.count >= 30)
  }

  @Test(arguments: ["zstd -q", "gzip"], [100, 20_000])
  func `is found out behind its compression`(program: String, cut: Int) throws {
    let file = try ScratchArchive(ArchiveMaker.make(Self.contents).bytes)
    let place = "cd '\(file.place.directory)'"
    #expect(try shell("\(place) && \(program) -c archive > x && mv x archive") == .exit(0))
    let whole = try file.bytes()
    var flipped = whole
    flipped[whole.count - cut] ^= 0x10
    for bytes in [Array(whole.dropLast(cut)), flipped, whole + [1, 2, 3]] {
      let outcome = try readAll(try ScratchArchive(bytes))
      #expect(outcome.code == .corrupt, "\(outcome.code.name) \(outcome.message)")
    }
    #expect(try readAll(try ScratchArchive(whole)).code == .none)
    #expect(try readAll(try ScratchArchive(whole + whole)).code == .corrupt)
  }
}
