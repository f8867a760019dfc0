import CommandLine
import BackupProtocol
import JSON
import ScriptedHost
import SharedPool
import System
import Testing

@Suite(.inTurns) struct `Writing a raw directory` {
  /// Runs a whole job and checks everything that can be checked from outside.
  func roundTrip(_ contents: [Content], _ talk: Talk) throws {
    let place = try Scratch()
    let finished = try write(contents, to: place, talk)
    try check(contents, place, finished, holeExact: talk.masks)
    #expect(
      try shell("cd \(place.directory) && sha256sum --strict --quiet -c SHA256SUMS") == .exit(0))
  }

  func check(
    _ contents: [Content], _ place: Scratch, _ finished: Finished, holeExact: Bool
  ) throws {
    let receipt = try Receipt(parsing: place.bytes("manifest.json"))
    #expect(receipt.streams.map(\.name) == contents.map(\.stream.name))
    #expect(receipt.tools == ["test 1", "raw writer 0.1.0"])
    var expected = ["SHA256SUMS", "manifest.json"]
    for (content, stream) in zip(contents, receipt.streams) {
      let isDisk = content.stream.kind == .disk
      let suffixes: [StreamDescription.Kind: String] = [.disk: ".raw", .vmstate: ".bin"]
      let name = content.stream.name + suffixes[content.stream.kind, default: ""]
      expected.append(name)
      #expect(areEqual(try place.bytes(name), content.bytes))
      #expect(stream.digest == treeDigest(content.bytes))
      #expect(stream.role == content.stream.role)
      let status = try FileStatus(path: name, in: place.descriptor.raw)
      #expect(status.permissions == 0o600)
      guard isDisk && holeExact else { continue }
      let ranges = dataRanges(content.bytes)
      #expect(try dataRanges(of: name, in: place) == ranges)
      // Nothing is reserved either; a block of the filesystem's own may list the extents.
      let least = ranges.reduce(0) { $0 + ($1.count + 4095) & ~4095 }
      #expect((least...(least + 4096)).contains(Int(status.storedBytes)))
    }
    #expect(try place.names() == expected.sorted())
    #expect(finished.artefacts.map(\.name).sorted() == expected.sorted())
  }

  @Test(arguments: edgeSizes, [true, false])
  func `a disk of any size comes out as it went in`(size: Int, isShared: Bool) throws {
    let disk = Content.disk(1, "d", noise(size, seed: UInt64(size)))
    try roundTrip([disk], Talk(isShared: isShared))
  }

  @Test(arguments: [true, false])
  func `every block of zeros is a hole, wherever it lies`(isShared: Bool) throws {
    let disks: [Content] = [
      .disk(1, "every-second-block", noise(1 << 20 | 100, seed: 1) { $0 % 2 == 0 }),
      .disk(2, "every-second-cluster", noise(4 << 20, seed: 2) { $0 / 16 % 2 == 0 }),
      .disk(3, "last-block-only", noise(2 << 20 | 1, seed: 3) { $0 != 512 }),
      .disk(4, "first-block-only", noise(2 << 20, seed: 4) { $0 != 0 }),
      .disk(5, "nothing", noise(3 << 20 | 7, seed: 5) { _ in true }),
      .disk(6, "irregular", noise(5 << 20, seed: 6) { $0 * $0 / 7 % 3 == 0 }),
    ]
    try roundTrip(disks, Talk(isShared: isShared))
  }

  @Test func `without masks every byte is taken for data`() throws {
    let disk = Content.disk(1, "d", noise(3 << 20 | 513, seed: 9) { $0 % 2 == 0 })
    try roundTrip([disk], Talk(masks: false))
  }

  @Test(arguments: [64 << 10, 256 << 10, 4 << 20])
  func `slots of any size do`(slotBytes: Int) throws {
    let disk = Content.disk(1, "d", noise(9 << 20 | 70_001, seed: 3) { $0 / 100 % 3 == 0 })
    try roundTrip([disk], Talk(shape: PoolShape(slotCount: 4, slotBytes: slotBytes)))
    try roundTrip([disk], Talk(isShared: false, shape: PoolShape(slotCount: 4, slotBytes: 65536)))
  }

  @Test(arguments: [true, false])
  func `frames may come byte by byte`(isShared: Bool) throws {
    let contents: [Content] = [
      .disk(1, "d", noise(65537, seed: 5) { $0 == 3 }), .config(2, "vm.conf", [1, 2, 3]),
    ]
    try roundTrip(contents, Talk(isShared: isShared, pieceBytes: 1))
  }

  @Test func `disks and configuration files of any name live side by side`() throws {
    let contents: [Content] = [
      .disk(7, "drive scsi0", noise(100_000, seed: 1)),
      .config(3, "qemu-server.conf", Array("memory: 512\n".utf8)),
      .disk(1, "päth\\with*odd' \"characters", noise(4096, seed: 2)),
      .config(2, "back\\slash.xml", Array("<domain/>".utf8)),
      .config(1024, "empty", []),
    ]
    try roundTrip(contents, Talk())
    try roundTrip(contents, Talk(options: ["sha256sums": true]))
  }

  @Test(arguments: [1, 4095, 300_077, 5 << 20], [true, false])
  func `the state of a machine is a file of its own, to the byte`(
    size: Int, isShared: Bool
  ) throws {
    let contents: [Content] = [
      .config(1, "vmstate.json", [1]), .disk(2, "vmstate.raw", noise(70_000, seed: 2)),
      .state(3, noise(size, seed: 1) { $0 % 3 == 0 }),
    ]
    try roundTrip(contents, Talk(isShared: isShared))
    for isListed in [false, true] {
      let archive = try Scratch()
      try write(contents, to: archive, Talk(options: ["sha256sums": .bool(isListed)]))
      let sums = String(decoding: try archive.bytes("SHA256SUMS"), as: UTF8.self)
      #expect(sums.contains("  vmstate.bin\n") == isListed)
    }
  }

  @Test(arguments: [true, false])
  func `sha256sums lists the disks too, zeros included`(isShared: Bool) throws {
    let contents: [Content] = [
      .disk(1, "sparse", noise(5 << 20 | 3, seed: 8) { $0 % 5 != 2 }),
      .disk(2, "nothing", noise(3 << 20, seed: 8) { _ in true }), .disk(3, "empty", []),
    ]
    let talk = Talk(isShared: isShared, options: ["sha256sums": true])
    let place = try Scratch()
    try write(contents, to: place, talk)
    let sums = String(decoding: try place.bytes("SHA256SUMS"), as: UTF8.self)
    #expect(sums.split(separator: "\n").count == 4)
    #expect(
      try shell("cd \(place.directory) && sha256sum --strict --quiet -c SHA256SUMS") == .exit(0))
  }

  @Test(arguments: ["auto", "on", "off"], [true, false])
  func `past the page cache or through it, the bytes are the same`(
    direct: String, isShared: Bool
  ) throws {
    let disk = Content.disk(1, "d", noise(2 << 20 | 4097, seed: 4) { $0 % 3 == 0 })
    try roundTrip([disk], Talk(isShared: isShared, options: ["direct": .string(direct)]))
  }

  @Test func `blocks a mask calls zero are holes, whatever the pool holds`() throws {
    let place = try Scratch()
    let plugin = try startWriter(place, Talk(options: [:]))
    let claimed = Content.disk(1, "d", [UInt8](repeating: 7, count: 65536))
    try plugin.host.start([claimed], options: ["sha256sums": true])
    try plugin.host.send { $0.appendOpen(stream: 1) }
    let slot = try plugin.host.takeSlot()
    claimed.bytes.withUnsafeBytes {
      plugin.host.pool?.unsafeBytes(slot: slot).copyMemory(from: $0)
    }
    let frame = DataFrame(offset: 0, length: 65536, place: .slot(UInt32(slot)), maskCount: 1)
    plugin.host.lend(slot, as: plugin.host.sequence)
    try plugin.host.send { $0.append(frame, stream: 1, masks: [0x8001 as BlockMask].span) }
    let close = CloseFrame(logicalLength: 65536, digest: .none)
    try plugin.host.send { $0.append(close, stream: 1) }
    _ = try plugin.host.finish()
    #expect(plugin.wait() == .exit(0))
    let found = try place.bytes("d.raw")
    #expect(found.prefix(4096).allSatisfy { $0 == 7 } && found.suffix(4096).allSatisfy { $0 == 7 })
    #expect(found.dropFirst(4096).dropLast(4096).allSatisfy { $0 == 0 })
    #expect(try shell("cd \(place.directory) && sha256sum --quiet -c SHA256SUMS") == .exit(0))
  }
}
