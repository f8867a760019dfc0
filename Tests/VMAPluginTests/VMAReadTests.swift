import CommandLine
import BackupProtocol
import JSON
import ScriptedHost
import SharedPool
import Testing
import VMAFormat

/// Ways to bring a good archive to the reader.
enum Way: CaseIterable, Sendable {
  case file, inlineFile, pipe, zstd, gzip

  func bring(_ bytes: [UInt8]) throws -> (ScratchArchive, Talk) {
    let file = try ScratchArchive(bytes)
    let place = "cd '\(file.place.directory)'"
    switch self {
    case .file: return (file, Talk())
    case .inlineFile: return (file, Talk(isShared: false))
    case .pipe: return (file, Talk(kind: .pipe))
    case .zstd:
      #expect(try shell("\(place) && zstd -q --rm archive -o x && mv x archive") == .exit(0))
    case .gzip:
      #expect(try shell("\(place) && gzip -1 archive && mv archive.gz archive") == .exit(0))
    }
    return (file, Talk())
  }
}

/// An order in which clusters may come.
struct Order: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let make: @Sendable ([Content]) -> ArchiveMaker

  static let all: [Order] = [
    Order("as we write them") { ArchiveMaker.make($0) },
    Order("in extents of 59 clusters") { contents in
      var maker = ArchiveMaker(contents)
      maker.add(maker.allSlots, perExtent: 59)
      return maker
    },
    Order("in extents of one cluster") { contents in
      var maker = ArchiveMaker(contents)
      maker.add(maker.allSlots, perExtent: 1)
      return maker
    },
    Order("backwards") { contents in
      var maker = ArchiveMaker(contents)
      maker.add(maker.allSlots.reversed())
      return maker
    },
    Order("shuffled over all disks") { contents in
      var maker = ArchiveMaker(contents)
      var random = SeededRandom(state: 42)
      maker.add(maker.allSlots.shuffled(using: &random))
      return maker
    },
    Order("with disks in turns") { contents in
      var maker = ArchiveMaker(contents)
      let slots = maker.allSlots.sorted { ($0.cluster, $0.device) < ($1.cluster, $1.device) }
      maker.add(slots)
      return maker
    },
    Order("in chunks of sixteen clusters that change places") { contents in
      var maker = ArchiveMaker(contents)
      let slots = maker.allSlots
      for start in stride(from: 0, to: slots.count, by: 32) {
        let chunk = slots[start..<min(start + 32, slots.count)]
        maker.add(Array(chunk.dropFirst(16)) + chunk.prefix(16))
      }
      return maker
    },
    Order("with gaps between slots and empty extents") { contents in
      var maker = ArchiveMaker(contents)
      maker.addExtent([])
      for slot in maker.allSlots {
        let gap = ExtentSlot(device: 0, cluster: 0, mask: 0)
        maker.addExtent([gap, slot, gap, gap])
        maker.addExtent([gap])
      }
      return maker
    },
    Order("with blocks of zeros that are stored") { contents in
      var maker = ArchiveMaker(contents)
      // 0xFFFF in a last cluster, too: what is behind the end is clipped.
      maker.add(
        maker.allSlots.map { ExtentSlot(device: $0.device, cluster: $0.cluster, mask: 0xFFFF) })
      return maker
    },
    Order("with clusters of zeros behind the end") { contents in
      var maker = ArchiveMaker(contents)
      maker.add(maker.allSlots + [ExtentSlot(device: 1, cluster: 127, mask: 0)])
      return maker
    },
  ]

  private init(_ description: String, _ make: @escaping @Sendable ([Content]) -> ArchiveMaker) {
    testDescription = description
    self.make = make
  }
}

struct SeededRandom: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state
  }
}

@Suite(.inTurns) struct `Reading a VMA archive` {
  static let contents: [Content] = [
    .config(1, "qemu-server.conf", Array("memory: 512\n".utf8)), .config(2, "empty", []),
    .disk(3, "irregular", noise(5 << 20 | 4608, seed: 6) { $0 * $0 / 7 % 3 == 0 }),
    .disk(4, "nothing", noise(6 << 20, seed: 5) { _ in true }),
    .disk(5, "full", noise(2 << 20 | 512, seed: 5)),
  ]

  @Test(.enabled(if: Checker.canRun, "needs python3"), arguments: Order.all, Way.allCases)
  func `clusters may come in any order, by any way`(order: Order, way: Way) throws {
    let archive = order.make(Self.contents).bytes
    if way == .file { #expect(try Checker.accepts(try ScratchArchive(archive), written: false)) }
    let (file, talk) = try way.bring(archive)
    try workshop.expect(file, holds: Self.contents, .verify, talk)
    if way == .file { try workshop.expect(file, holds: Self.contents, .read, talk) }
  }

  @Test(arguments: [Way.pipe, .zstd, .gzip])
  func `more than fits into memory goes to the scratch file`(way: Way) throws {
    let contents: [Content] = [
      .disk(1, "first", noise(1 << 20, seed: 1)),
      .disk(2, "last", noise(40 << 20 | 512, seed: 2) { $0 % 7 == 3 }),
    ]
    var maker = ArchiveMaker(contents)
    maker.add(maker.allSlots.reversed())
    let (file, talk) = try way.bring(maker.bytes)
    try workshop.expect(file, holds: contents, .verify, talk)
  }

  @Test func `without a scratch file a stream in bad order is refused, a file is not`() throws {
    let contents = [Content.disk(1, "d", noise(40 << 20, seed: 2))]
    var maker = ArchiveMaker(contents)
    maker.add(maker.allSlots.reversed())
    let file = try ScratchArchive(maker.bytes)
    let outcome = try readAll(file, .read, Talk(kind: .pipe), hasScratch: false)
    #expect(outcome.code == .unsupported)
    #expect(outcome.message.contains("scratch"))
    #expect(try readAll(file, .read, hasScratch: false).code == .none)
  }

  @Test func `a file can be passed over again, a stream cannot`() throws {
    let file = try ScratchArchive(ArchiveMaker.make(Self.contents).bytes)
    for (kind, status) in [(Job.OutputKind.file, ErrorCode.none), (.pipe, .unsupported)] {
      let talk = Talk(kind: kind)
      let plugin = try startReader(file, talk)
      let streams = try plugin.host.startReading(.read, format: "vma", output: kind, scratch: 8)
      #expect(areEqual(try plugin.host.read(streams[4]).bytes, Self.contents[4].bytes))
      let earlier = try plugin.host.read(streams[2])
      #expect(earlier.status == status)
      if status == .none { #expect(areEqual(earlier.bytes, Self.contents[2].bytes)) }
      // What is in the header is always there.
      #expect(try plugin.host.read(streams[0]).bytes == Self.contents[0].bytes)
      _ = try plugin.host.finish()
      #expect(plugin.wait() == .exit(0))
    }
  }

  @Test func `a disk that fails does not spoil the next one of a file`() throws {
    let contents: [Content] = [
      .disk(1, "d", noise(1 << 20, seed: 1) { $0 / 16 == 3 }),
      .disk(2, "e", noise(1 << 20, seed: 2)),
    ]
    var maker = ArchiveMaker(contents)
    maker.add(maker.allSlots.filter { !$0.mask.isEmpty })
    for (kind, status) in [(Job.OutputKind.file, ErrorCode.none), (.pipe, .unsupported)] {
      let outcome = try readAll(try ScratchArchive(maker.bytes), .read, Talk(kind: kind))
      #expect(outcome.answers.map(\.status) == [.corrupt, status])
      if status == .none { #expect(areEqual(outcome.answers[1].bytes, contents[1].bytes)) }
    }
  }

  @Test func `headers of other shapes are read`() throws {
    let good = ArchiveMaker.make(Self.contents).bytes
    var moved = Wreck(bytes: good)
    moved.bytes.insert(contentsOf: [UInt8](repeating: 7, count: 4096), at: 12288)
    moved.changeHeader {
      $0[48, UInt32.self] = 16384
      $0[56, UInt32.self] += 4096
    }
    var odd = Wreck(bytes: good)
    odd.bytes.insert(contentsOf: [1, 2, 3], at: odd.headerBytes)
    odd.changeHeader { $0[56, UInt32.self] += 3 }
    var reserved = Wreck(bytes: good)
    reserved.changeHeader {
      $0[60, UInt64.self] = .max
      $0[4092, UInt32.self] = .max
      $0[4096 + 32 + 16, UInt64.self] = .max
    }
    for wreck in [moved, odd, reserved] {
      try workshop.expect(try ScratchArchive(wreck.bytes), holds: Self.contents)
    }
  }

  @Test func `entries that lead to nothing are not there`() throws {
    var wreck = Wreck(bytes: ArchiveMaker.make(Self.contents).bytes)
    wreck.changeHeader {
      // A configuration without content, a device without name, one without size.
      $0[2044 + 4 * 9, UInt32.self] = 1
      $0[4096 + 32 * 200, UInt32.self] = 3
      $0[4096 + 32 * 200 + 8, UInt64.self] = 1 << 20
      $0[4096 + 32 * 201, UInt32.self] = $0[4096 + 32, UInt32.self]
    }
    try workshop.expect(try ScratchArchive(wreck.bytes), holds: Self.contents)
  }

  @Test func `of two configurations of one name the last one stays`() throws {
    let contents: [Content] = [
      .config(1, "a", [1]), .config(2, "b", [2]), .config(3, "a", [3]),
    ]
    let file = try ScratchArchive(ArchiveMaker.make(contents).bytes)
    let outcome = try readAll(file)
    #expect(outcome.streams.map(\.name) == ["b", "a"])
    #expect(outcome.answers.map(\.bytes) == [[2], [3]])
  }

  @Test func `an extent of nobody is no fault of a configuration`() throws {
    var maker = ArchiveMaker([.config(1, "a", [1, 2])])
    maker.addExtent([ExtentSlot(device: 9, cluster: 0, mask: [])])
    let outcome = try readAll(try ScratchArchive(maker.bytes), .read)
    #expect(outcome.answers.map(\.status) == [.none])
    #expect(outcome.code == .corrupt && outcome.message.contains("device 9"))
  }

  @Test func `an archive of configurations needs no extent`() throws {
    let contents: [Content] = [.config(1, "a", [1, 2]), .config(2, "b", [])]
    var maker = ArchiveMaker(contents)
    try workshop.expect(try ScratchArchive(maker.bytes), holds: contents)
    maker.addExtent([])
    try workshop.expect(try ScratchArchive(maker.bytes), holds: contents)
  }

  @Test func `the memory of a machine is a stream of its own, with its zeros`() throws {
    var bytes = noise(300_032, seed: 4)
    bytes.replaceSubrange(65_536..<131_072, with: repeatElement(0, count: 65_536))
    bytes.replaceSubrange(8192..<12_288, with: repeatElement(0, count: 4096))
    let disk = Content.disk(2, "d", noise(1 << 20, seed: 5))
    for contents in [[.state(1, bytes), disk], [disk, .state(2, bytes)]] {
      var maker = ArchiveMaker(contents)
      maker.add(maker.allSlots.reversed())
      try workshop.expect(try ScratchArchive(maker.bytes), holds: contents)
    }
  }

  @Test func `a memory that is longer than was said costs no disk`() throws {
    let contents: [Content] = [
      .state(1, noise(200_704, seed: 4)), .disk(2, "d", noise(1 << 20, seed: 5)),
    ]
    let shorter: [Content] = [.state(1, Array(contents[0].bytes[..<65_536])), contents[1]]
    var maker = ArchiveMaker(shorter)
    maker.contents = contents
    maker.add(maker.allSlots)
    let file = try ScratchArchive(maker.bytes)
    let outcome = try readAll(file)
    #expect(outcome.code == .corrupt && outcome.message.contains("longer than the header says"))
    let plugin = try startReader(file)
    let streams = try plugin.host.startReading(.read, format: "vma", output: .file, scratch: 8)
    let disk = try #require(streams.last)
    #expect(try plugin.host.read(disk).bytes == contents[1].bytes)
    _ = try plugin.host.finish()
    #expect(plugin.wait() == .exit(0))
  }

  @Test func `a configuration with the name of a disk, or a hidden one, is told`() throws {
    let contents: [Content] = [
      .config(1, "d", [1]), .config(2, ".hidden", [2]), .config(3, "c", [3]),
      .disk(4, "d", noise(512, seed: 1)), .disk(5, "d.conf", noise(512, seed: 2)),
    ]
    let file = try ScratchArchive(ArchiveMaker.make(contents).bytes)
    let outcome = try readAll(file)
    #expect(outcome.streams.map(\.name) == ["d.conf.conf", "c", "d", "d.conf"])
    #expect(outcome.answers.map(\.bytes) == [[1], [3], contents[3].bytes, contents[4].bytes])
    let plugin = try startReader(file)
    _ = try plugin.host.startReading(.read, format: "vma", output: .file, scratch: 8)
    #expect(plugin.host.reports.filter { $0.type == .log }.count == 2)
  }

  @Test(
    arguments: [
      (1, "1970-01-01T00:00:01Z"), (951_782_399, "2000-02-28T23:59:59Z"),
      (951_782_400, "2000-02-29T00:00:00Z"), (1_709_251_199, "2024-02-29T23:59:59Z"),
      (1_769_889_600, "2026-01-31T20:00:00Z"), (4_107_542_399, "2100-02-28T23:59:59Z"),
      (4_107_542_400, "2100-03-01T00:00:00Z"), (253_402_300_799, "9999-12-31T23:59:59Z"),
      // What a receipt could not say is not told.
      (0, ""), (-1, ""), (253_402_300_800, ""), (.max, ""), (.min, ""),
    ] as [(Int64, String)])
  func `the archive's time is its instant`(created: Int64, instant: String) throws {
    var header = HeaderBuilder(
      identifier: ArchiveIdentifier(high: 1, low: 2), created: created)
    header.addConfig(name: "c", content: [1])
    let plugin = try startReader(try ScratchArchive(header.finish()))
    let ack = try plugin.host.openArchive(.read, format: "vma", output: .file, scratch: 8)
    #expect(ack.instant?.text ?? "" == instant)
  }

  @Test func `an archive compressed with lzop is named`() throws {
    let outcome = try readAll(try ScratchArchive([0x89, 0x4C, 0x5A, 0x4F, 0, 0x0D, 0x0A]))
    #expect(outcome.code == .unsupported && outcome.message.contains("lzop"))
  }
}
