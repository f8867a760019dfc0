import CommandLine
import BackupProtocol
import Glibc
import ScriptedHost
import SharedPool
import Testing
import VMAFormat

@Suite(.inTurns) struct `Ranges of a VMA archive` {
  private let contents = `Reading a VMA archive`.contents

  @Test(arguments: Order.all)
  func `are those of the disks, in whatever order their clusters are`(order: Order) throws {
    let file = try ScratchArchive(order.make(contents).bytes)
    try workshop.expectRanges(file, of: contents)
    let small = Talk(isShared: false, shape: PoolShape(slotCount: 4, slotBytes: 64 << 10))
    try workshop.expectRanges(file, of: contents, small, seed: 2)
  }

  @Test(arguments: edgeSectorSizes)
  func `end where the disk ends`(size: Int) throws {
    let contents: [Content] = [
      .disk(1, "d", noise(size, seed: UInt64(size)) { $0 % 5 == 1 }),
      .disk(2, "e", noise(65536, seed: 1)),
    ]
    try workshop.expectRanges(try ScratchArchive(ArchiveMaker.make(contents).bytes), of: contents)
  }

  @Test(arguments: [Way.pipe, .zstd, .gzip])
  func `are refused where there is no going back, and whole disks are not`(way: Way) throws {
    let (file, talk) = try way.bring(ArchiveMaker.make(contents).bytes)
    try workshop.expectNoRanges(file, of: contents, talk)
  }

  @Test func `come between whole disks, and disturb none`() throws {
    let file = try ScratchArchive(ArchiveMaker.make(contents).bytes)
    let (plugin, streams) = try workshop.startRanges(file)
    for (stream, content) in zip(streams, contents) {
      try plugin.host.expectRanges(of: streams[4], are: contents[4].bytes, count: 2)
      let isRight = areEqual(try plugin.host.read(stream).bytes, content.bytes)
      #expect(isRight, "\(stream.name)")
    }
    #expect(try plugin.host.read(streams[2], 65536..<131_072).status == .none)
    _ = try plugin.host.finish()
    #expect(plugin.wait() == .exit(0))
  }

  @Test(.enabled(if: Oracles.directory != nil, "oracles: SLUICE_ORACLES names no directory"))
  func `are those of a genuine archive's disks`() throws {
    for oracle in Oracles.all {
      let file = try oracle.copy()
      let outcome = try readAll(file)
      let contents = zip(outcome.streams, outcome.answers).map { Content($0, $1.bytes) }
      try workshop.expectRanges(file, of: contents)
    }
  }
}

@Suite(.inTurns) struct `Ranges of a damaged VMA archive` {
  /// 16 extents of 58 clusters.
  private let contents = [Content.disk(1, "d", noise(16 * 58 * 65536, seed: 3))]

  /// Of the first cluster, of one in the middle, and of the last: what reading them gives.
  private func statuses(
    _ bytes: [UInt8], _ clusters: [Int], name: String = "d"
  ) throws -> ([ErrorCode], String) {
    let (plugin, streams) = try workshop.startRanges(try ScratchArchive(bytes))
    let stream = try #require(streams.first { $0.name == name })
    let found = try clusters.map { cluster in
      try plugin.host.read(stream, cluster * 65536..<(cluster + 1) * 65536).status
    }
    _ = try plugin.host.finish()
    #expect(plugin.wait() == .exit(0))
    return (found, plugin.host.streamErrors.last?.message ?? "")
  }

  @Test func `are those before the damage, as they are in a forward reading`() throws {
    var wreck = Wreck(bytes: ArchiveMaker.make(contents).bytes)
    wreck.bytes[wreck.extents[8] + 45] ^= 1
    let (found, message) = try statuses(wreck.bytes, [0, 8 * 58 - 1, 8 * 58, 900, 3])
    #expect(found == [.none, .none, .corrupt, .corrupt, .none])
    #expect(message.contains("wrong checksum"))
    #expect(try readAll(try ScratchArchive(wreck.bytes), .read).code == .corrupt)
  }

  @Test func `of an archive that is cut off are those that are there`() throws {
    let whole = ArchiveMaker.make(contents).bytes
    let place = Wreck(bytes: whole).extents[8]
    // At the end of an extent, in a header, in the blocks.
    for (count, words) in [(0, "lacks"), (100, "ends inside an extent"), (70_000, "the blocks")] {
      let (found, message) = try statuses(Array(whole[..<(place + count)]), [900, 0, 9 * 58 - 1])
      #expect(found == [.corrupt, .none, .corrupt], "\(count)")
      #expect(message.contains(words), "\(message)")
    }
  }

  @Test func `that occur twice, or not at all, are refused`() throws {
    var maker = ArchiveMaker(contents)
    let slots = maker.allSlots.filter { $0.cluster != 100 }
    maker.add(Array(slots[..<70]) + [slots[65]] + slots[70...])
    let (found, message) = try statuses(maker.bytes, [2, 65, 100, 300])
    #expect(found == [.none, .corrupt, .corrupt, .none])
    #expect(message.contains("lacks cluster 100"))
  }

  @Test func `of which an extent is not as it may be are none of it`() throws {
    for (slot, words) in [
      (ExtentSlot(device: 9, cluster: 0, mask: 0), "device 9"),
      (ExtentSlot(device: 1, cluster: 5000, mask: 1), "beyond the end"),
    ] {
      var maker = ArchiveMaker(contents)
      maker.add(Array(maker.allSlots[..<58]))
      maker.addExtent([maker.allSlots[58], slot])
      let (found, message) = try statuses(maker.bytes, [57, 58])
      #expect(found == [.none, .corrupt])
      #expect(message.contains(words), "\(message)")
    }
  }

  @Test func `of a memory state that is longer than it says are refused, those of disks not`()
    throws
  {
    let contents: [Content] = [
      .disk(1, "vmstate", noise(3 * 65536, seed: 1)), .disk(2, "d", noise(3 * 65536, seed: 2)),
    ]
    var maker = ArchiveMaker.make(contents)
    maker.addExtent([ExtentSlot(device: 1, cluster: 7, mask: 1)])
    #expect(try statuses(maker.bytes, [0, 2], name: "d").0 == [.none, .none])
    let (found, message) = try statuses(maker.bytes, [0, 1], name: "vmstate")
    #expect(found == [.corrupt, .corrupt])
    #expect(message.contains("longer than the header says"))
  }

  @Test(.enabled(if: `A hostile VMA archive`.canLimit, "prlimit is not installed"))
  func `cannot make the reader remember more than it has room for`() throws {
    // Each cluster in a part of its own; two million parts are as many as are noted.
    var maker = ArchiveMaker([.disk(1, "d", noise(512, seed: 1)), .disk(2, "e", [1])])
    var wreck = Wreck(bytes: maker.bytes)
    wreck.changeHeader { $0[4096 + 64 + 8, UInt64.self] = 1 << 48 }
    maker.replaceHeader(wreck.bytes)
    var number: UInt32 = 0
    for _ in 0..<37_000 {
      maker.addExtent(
        (0..<58).map { _ in
          number += 1
          return ExtentSlot(device: 2, cluster: number * 64, mask: 0)
        })
    }
    let wrapper = ["/usr/bin/prlimit", "--data=469762048"]
    let (plugin, streams) = try workshop.startRanges(
      try ScratchArchive(maker.bytes), wrapper: wrapper)
    // What was met is remembered; what is missing is looked for to the end.
    #expect(try plugin.host.read(streams[1], 64 * 65536..<65 * 65536).status == .none)
    #expect(try plugin.host.read(streams[1], 0..<65536).status == .tooLarge)
    #expect(plugin.host.streamErrors.last?.message.contains("in parts") == true)
    _ = try plugin.host.finish()
    #expect(plugin.wait() == .exit(0))
  }
}
