import CommandLine
import BackupProtocol
import Glibc
import JSON
import ScriptedHost
import SharedPool
import Testing

/// The format `ova`, by a host that tells where disks have data.
private let appliances = Workshop(plugin: "sluice-writer-ova", format: "ova", sendsMaps: true)

private let hasTools = ["tar", "qemu-img"].allSatisfy { access("/usr/bin/\($0)", X_OK) == 0 }

@Suite(.inTurns, .enabled(if: hasTools, "needs tar and qemu-img"))
struct `Writing an appliance` {
  /// Writes, and has QEMU compare every disk.
  private func expect(
    _ contents: [Content], _ talk: Talk = Talk(), format: String = "vmdk"
  ) throws {
    let file = try appliances.write(contents, talk)
    #expect(
      try shell("cd \(file.place.directory) && mkdir out && tar -C out -xf archive") == .exit(0))
    for content in contents where content.stream.kind == .disk {
      let name = content.stream.name
      try file.place.create("\(name).raw", content.bytes)
      let words = "cd \(file.place.directory) && qemu-img compare -f \(format) -F raw "
      #expect(
        try shell("\(words) out/\(name).\(format) \(name).raw > said") == .exit(0), "\(name)")
    }
    for content in contents where content.stream.kind != .disk {
      let suffix = content.stream.kind == .vmstate ? ".bin" : ""
      let bytes = try file.place.bytes("out/" + content.stream.name + suffix)
      #expect(areEqual(bytes, content.bytes), "\(content.stream.name) differs")
    }
  }

  private static let contents: [Content] = [
    .config(7, "vm.conf", Array("memory: 512\n".utf8)), .config(8, "empty", []),
    .config(9, "zeros", [UInt8](repeating: 0, count: 70_000)),
    .disk(1, "every-second-block", noise(9 << 20 | 512, seed: 1) { $0 % 2 == 0 }),
    .disk(2, "every-second-cluster", noise(8 << 20, seed: 2) { $0 / 16 % 2 == 0 }),
    .disk(3, "last-block-only", noise(2 << 20 | 512, seed: 3) { $0 != 512 }),
    .disk(4, "first-block-only", noise(34 << 20 | 1024, seed: 4) { $0 != 0 }),
    .disk(5, "nothing", noise(70 << 20 | 512, seed: 5) { _ in true }),
    .disk(6, "irregular", noise(35 << 20, seed: 6) { $0 * $0 / 7 % 3 == 0 }),
    .disk(10, "one-grain-of-a-table", noise(97 << 20, seed: 7) { $0 % 8192 != 8000 }),
    .state(11, noise(2 << 20 | 77, seed: 8) { $0 / 20 % 2 == 0 }),
  ]

  @Test(arguments: [true, false], [Job.OutputKind.file, .pipe])
  func `holes and data come back wherever they lie`(
    isShared: Bool, kind: Job.OutputKind
  ) throws {
    try expect(Self.contents, Talk(isShared: isShared, kind: kind))
  }

  @Test(arguments: [true, false], [Job.OutputKind.file, .pipe])
  func `a qcow2 image takes them too`(isShared: Bool, kind: Job.OutputKind) throws {
    let options: JSONObject = ["disk-format": "qcow2"]
    try expect(
      Self.contents, Talk(isShared: isShared, options: options, kind: kind), format: "qcow2")
  }

  @Test(arguments: [0, 1])
  func `without masks and holes every level does`(level: Int64) throws {
    let disk = Content.disk(1, "d", noise(3 << 20 | 4608, seed: 9) { $0 % 2 == 0 })
    try expect([disk], Talk(masks: false, options: ["level": .integer(level)]))
  }

  @Test(arguments: [64 << 10, 256 << 10, 4 << 20])
  func `slots of any size do`(slotBytes: Int) throws {
    let disk = Content.disk(1, "d", noise(29 << 20 | 4608, seed: 3) { $0 / 100 % 3 == 0 })
    for slotCount in [4, 64] where slotCount * slotBytes <= 16 << 20 {
      let shape = PoolShape(slotCount: slotCount, slotBytes: slotBytes)
      try expect([disk], Talk(shape: shape))
      try expect([disk], Talk(shape: shape, kind: .pipe))
    }
  }

  @Test(arguments: [Job.OutputKind.file, .pipe])
  func `zeros that come where data was announced are stored if they must`(
    kind: Job.OutputKind
  ) throws {
    let disk = Content.disk(1, "d", [UInt8](repeating: 0, count: 5 << 20 | 512))
    let (file, finished) = try appliances.writeZeros(disk, Talk(kind: kind))
    #expect((finished.storedBytes > UInt64(disk.bytes.count)) == (kind == .pipe))
    try file.place.create("d.raw", disk.bytes)
    let words = "tar -xf archive && qemu-img compare -f vmdk -F raw d.vmdk d.raw > said"
    #expect(try shell("cd \(file.place.directory) && \(words)") == .exit(0))
  }

  @Test func `an appliance of nothing is one`() throws { try expect([]) }

  @Test(arguments: [true, false])
  func `leaves an empty file when the job is called off`(isDead: Bool) throws {
    try appliances.expectNothingWhenCalledOff(isDead: isDead, isReleased: false)
  }
}

/// A disk of a size alone.
private func disk(
  _ kind: StreamDescription.Kind = .disk, size: UInt64? = 512, isIncremental: Bool = false
) -> Content {
  Content(
    StreamDescription(
      id: 1, kind: kind, name: "d", role: "disk", size: size, isIncremental: isIncremental), [])
}

@Suite(.inTurns) struct `What an appliance cannot hold` {
  private static func config(_ size: UInt64) -> Content {
    Content(
      StreamDescription(id: 2, kind: .config, name: "c", role: "config", size: size), [])
  }

  @Test(
    arguments: [
      (.unsupported, "incremental", [disk(isIncremental: true)], [:]),
      (.unsupported, "in advance", [disk(.vmstate, size: nil)], [:]),
      (.unsupported, "multiple of 512", [disk(size: 513)], [:]),
      (.unsupported, "multiple of 512", [disk(size: 513)], ["disk-format": "qcow2"]),
      (.tooLarge, "62 TiB", [disk(size: 62 << 40 + 512)], [:]),
      (.tooLarge, "62 TiB", [disk(size: 62 << 40 + 512)], ["disk-format": "qcow2"]),
      (.tooLarge, "in total", [config(64 << 20 + 1)], [:]),
      (.badJob, "before the disks", [disk(), config(1)], [:]),
      (.badOption, "no option", [disk()], ["depth": 3]),
      (.badOption, "has no option", [disk()], ["compress": "zstd"]),
      (.badOption, "has no option", [disk()], ["sha256sums": true]),
      (.badOption, "0 to 9", [disk()], ["level": 10]),
      (.badOption, "must be vmdk, qcow2", [disk()], ["disk-format": "raw"]),
      (.badOption, "not compressed", [disk()], ["disk-format": "qcow2", "level": 1]),
    ] as [(ErrorCode, String, [Content], JSONObject)])
  func `is refused before anything is read`(
    code: ErrorCode, word: String, contents: [Content], options: JSONObject
  ) throws {
    try appliances.expectRefused(contents, options, code, says: word)
  }

  @Test(arguments: [(1.98, true), (1.999, true), (1.999, false)])
  func `is stored and comes to 2 TiB, as the map says`(tebibytes: Double, isStored: Bool) throws {
    let file = try ScratchArchive()
    let plugin = try appliances.startWriter(file)
    let size = UInt64(tebibytes * 1024) << 30
    let content = disk(size: size)
    try plugin.host.start(
      [content], format: "ova", output: .file, options: isStored ? ["level": 0] : [:])
    let extent = Extent(offset: 0, length: size, kind: .data)
    try plugin.host.send { $0.append(extents: [extent], stream: 1, isLast: true) }
    if tebibytes > 1.99 && isStored {
      #expect(throws: HostError.self) { try plugin.host.await(.release) }
      #expect(plugin.host.fatalError?.code == .tooLarge)
      #expect(plugin.host.fatalError?.message.contains("2 TiB") == true)
    }
    plugin.host.closeInput()
    #expect(plugin.wait() == .exit(1))
    #expect(try file.bytes() == [])
  }
}
