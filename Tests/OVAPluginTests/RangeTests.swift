import CommandLine
import BackupProtocol
import Glibc
import JSON
import ScriptedHost
import SharedPool
import Testing

@Suite(.inTurns, .enabled(if: Oracle.areThere, "needs tar, bsdtar and python3"))
struct `Ranges of a tar archive` {
  private let foreign = `Reading a tar archive of another program`()

  @Test(arguments: Maker.all)
  func `of another program are those of its files`(maker: Maker) throws {
    let file = try foreign.make(maker)
    let contents = `Reading a tar archive of another program`.contents
    try workshop.expectRanges(file, of: contents)
    // A stream that is copied to the scratch file has bytes at any place, too.
    try workshop.expectRanges(file, of: contents, Talk(isShared: false, kind: .pipe), seed: 2)
  }

  @Test(arguments: edgeSizes)
  func `of ours are those of its disks, to their ends`(size: Int) throws {
    let contents: [Content] = [
      .config(1, "conf", noise(70_000, seed: 1)),
      .disk(2, "d", noise(size, seed: UInt64(size)) { $0 % 5 > 2 }),
      .disk(3, "e", noise(3 << 20 | 512, seed: 2) { $0 / 20 % 2 == 0 }),
    ]
    try workshop.expectRanges(try workshop.write(contents), of: contents)
  }

  @Test func `are refused where there is no going back, and whole disks are not`() throws {
    let contents: [Content] = [.disk(1, "d", noise(3 << 20, seed: 1) { $0 % 3 == 0 })]
    let file = try workshop.write(contents)
    try workshop.expectNoRanges(file, of: contents, Talk(kind: .pipe))
    let packed = try workshop.write(contents, Talk(options: ["compress": "zstd"]))
    try workshop.expectNoRanges(packed, of: contents)
  }

  @Test func `come between whole disks, and the archive's end proves those`() throws {
    let contents: [Content] = [
      .disk(1, "d", noise(2 << 20, seed: 1)), .disk(2, "e", noise(2 << 20, seed: 2)),
    ]
    let (plugin, streams) = try workshop.startRanges(try workshop.write(contents))
    for (stream, content) in zip(streams, contents) {
      try plugin.host.expectRanges(of: streams[1], are: contents[1].bytes, count: 2)
      let isRight = areEqual(try plugin.host.read(stream).bytes, content.bytes)
      #expect(isRight, "\(stream.name)")
    }
    try plugin.host.expectRanges(of: streams[0], are: contents[0].bytes, count: 2)
    #expect(try !plugin.host.finish().isProven)
    #expect(plugin.wait() == .exit(0))
  }

  @Test func `that the archive has lost fail, and others do not`() throws {
    let contents: [Content] = [
      .disk(1, "d", noise(2 << 20, seed: 1)), .disk(2, "e", noise(2 << 20, seed: 2)),
    ]
    let whole = try workshop.write(contents).bytes()
    let (plugin, streams) = try workshop.startRanges(
      try ScratchArchive(Array(whole.prefix(3 << 20))))
    #expect(try plugin.host.read(streams[1], 0..<65536).status == .none)
    #expect(try plugin.host.read(streams[1], 2 << 20 - 65536..<2 << 20).status == .corrupt)
    try plugin.host.expectRanges(of: streams[0], are: contents[0].bytes)
    _ = try plugin.host.finish()
    #expect(plugin.wait() == .exit(0))
  }
}

@Suite(.inTurns) struct `Ranges of an appliance` {
  private let contents = `Reading an appliance of ours`.contents

  @Test(arguments: [["level": 6], ["level": 0], ["disk-format": "qcow2"]] as [JSONObject])
  func `of ours are those of its disks`(options: JSONObject) throws {
    let file = try ScratchArchive(try makeAppliance(contents, Talk(options: options)))
    try applianceWorkshop.expectRanges(file, of: contents)
    let small = Talk(isShared: false, shape: PoolShape(slotCount: 4, slotBytes: 64 << 10))
    try applianceWorkshop.expectRanges(file, of: contents, small, seed: 2)
  }

  @Test func `are refused where there is no going back, and whole disks are not`() throws {
    let file = try ScratchArchive(try makeAppliance(contents))
    try applianceWorkshop.expectNoRanges(file, of: contents, Talk(kind: .pipe))
    #expect(
      try shell("cd \(file.place.directory) && gzip -1 archive && mv archive.gz archive")
        == .exit(0))
    try applianceWorkshop.expectNoRanges(file, of: contents)
  }

  @Test func `of others are those of a raw disk, and none of one that is compressed`() throws {
    let disk = noise(3 << 20, seed: 4) { $0 % 3 == 1 }
    let plain = Members(
      ovf: Members.ovf("d.raw", Members.raw, capacity: disk.count), [("d.raw", disk)])
    try applianceWorkshop.expectRanges(try ScratchArchive(plain.archive), of: [.disk(1, "d", disk)])
    let place = try ScratchArchive(disk)
    #expect(try shell("cd \(place.place.directory) && gzip -1 archive") == .exit(0))
    let ovf = Members.ovf(
      "d.raw", Members.raw, capacity: disk.count, more: "ovf:compression='gzip'")
    let packed = Members(ovf: ovf, [("d.raw", try place.place.bytes("archive.gz"))])
    try applianceWorkshop.expectNoRanges(
      try ScratchArchive(packed.archive),
      of: [.disk(1, "d", disk), .config(2, "m.ovf", Array(ovf.utf8))])
  }

  @Test func `are read after a disk whose table leads nowhere`() throws {
    let contents: [Content] = [
      .disk(1, "d", noise(1 << 20, seed: 1)), .disk(2, "e", noise(1 << 20, seed: 2)),
    ]
    var members = try Members(of: try makeAppliance(contents))
    let name = try #require(members.list.first { $0.name.contains("d.vmdk") }?.name)
    // The footer's place of the directory.
    let count = members[name].count
    members[name][count - 1024 + 56 + 5] = 1
    let (plugin, streams) = try applianceWorkshop.startRanges(try ScratchArchive(members.archive))
    let answers = try streams.filter { $0.kind == .disk }.map { stream in
      try plugin.host.read(stream, 0..<65536).status
    }
    #expect(answers == [.corrupt, .none])
    _ = try plugin.host.finish()
    #expect(plugin.wait() == .exit(0))
  }
}
