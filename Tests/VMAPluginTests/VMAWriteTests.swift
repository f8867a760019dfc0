import CommandLine
import BackupProtocol
import JSON
import ScriptedHost
import SharedPool
import Testing

@Suite(.inTurns, .enabled(if: Checker.canRun, "needs python3")) struct `Writing a VMA archive` {
  /// Writes, has the checker look at it, and reads it back.
  func roundTrip(_ contents: [Content], _ talk: Talk = Talk()) throws {
    let file = try write(contents, talk)
    try Checker.expect(file, holds: contents)
    try workshop.expect(file, holds: contents, .verify, Talk(isShared: talk.isShared))
  }

  @Test(arguments: edgeSectorSizes, [true, false])
  func `a disk of any size comes back as it was`(size: Int, isShared: Bool) throws {
    let disk = Content.disk(1, "d", noise(size, seed: UInt64(size)))
    try roundTrip([disk], Talk(isShared: isShared))
  }

  @Test(arguments: [true, false])
  func `blocks of zeros are told apart wherever they lie`(isShared: Bool) throws {
    let disks: [Content] = [
      .disk(1, "every-second-block", noise(9 << 20 | 512, seed: 1) { $0 % 2 == 0 }),
      .disk(2, "every-second-cluster", noise(8 << 20, seed: 2) { $0 / 16 % 2 == 0 }),
      .disk(3, "last-block-only", noise(2 << 20 | 512, seed: 3) { $0 != 512 }),
      .disk(4, "first-block-only", noise(2 << 20, seed: 4) { $0 != 0 }),
      .disk(5, "nothing", noise(70 << 20 | 1024, seed: 5) { _ in true }),
      .disk(6, "irregular", noise(5 << 20, seed: 6) { $0 * $0 / 7 % 3 == 0 }),
    ]
    try roundTrip(disks, Talk(isShared: isShared))
  }

  @Test func `without masks every byte is taken for data, but none behind the end`() throws {
    let disk = Content.disk(1, "d", noise(3 << 20 | 4608, seed: 9) { $0 % 2 == 0 })
    try roundTrip([disk], Talk(masks: false))
  }

  @Test(arguments: 1...8)
  func `one to eight disks travel with their configurations`(count: Int) throws {
    var contents: [Content] = [
      .config(1, "qemu-server.conf", Array("memory: 512\n".utf8)), .config(2, "empty", []),
    ]
    for number in 1...count {
      let bytes = noise(number * 333 * 512, seed: UInt64(number)) { $0 % (number + 1) == 0 }
      contents.append(.disk(UInt32(number + 2), "drive-scsi\(number)", bytes))
    }
    try roundTrip(contents)
    try roundTrip(contents, Talk(kind: .pipe))
  }

  @Test(arguments: [1, 511, 4096, 65535, 65536, 65537, 300_077, 9 << 20], [true, false])
  func `the state of a machine is stored in whole clusters, zeros included`(
    size: Int, isShared: Bool
  ) throws {
    let bytes = noise(size, seed: UInt64(size)) { $0 % 3 == 1 || $0 / 32 % 2 == 1 }
    let disk = Content.disk(2, "d", noise(3 << 20, seed: 1) { $0 % 2 == 0 })
    for contents in [[.state(1, bytes)], [disk, .state(3, bytes)], [.state(1, bytes), disk]] {
      try roundTrip(contents, Talk(isShared: isShared))
    }
  }

  @Test(arguments: [true, false])
  func `a state of nothing but zeros is stored as bytes`(isShared: Bool) throws {
    let state = Content.state(1, [UInt8](repeating: 0, count: 8 << 20 | 1))
    let talk = Talk(isShared: isShared, shape: PoolShape(slotCount: 4, slotBytes: 65536))
    let file = try write([state], talk)
    try Checker.expect(file, holds: [state])
    try workshop.expect(file, holds: [state])
    #expect(try file.bytes().count > 8 << 20)
  }

  @Test(arguments: [64 << 10, 256 << 10, 4 << 20])
  func `slots of any size do`(slotBytes: Int) throws {
    let disk = Content.disk(1, "d", noise(9 << 20 | 4608, seed: 3) { $0 / 100 % 3 == 0 })
    try roundTrip([disk], Talk(shape: PoolShape(slotCount: 4, slotBytes: slotBytes)))
  }

  @Test func `256 configurations fit, of the largest size too`() throws {
    let configs = (1...256).map {
      Content.config(UInt32($0), "c\($0)", noise($0 < 12 ? 65535 : $0, seed: UInt64($0)))
    }
    try roundTrip(configs)
    try roundTrip(configs + [.disk(300, "d", noise(65536, seed: 4))])
  }

  @Test func `254 disks and 256 configurations never exceed half of the slots`() throws {
    var contents: [Content] = []
    for number in 1...256 { contents.append(.config(UInt32(number), "c\(number)", [1, 2, 3])) }
    for number in 257...510 {
      contents.append(.disk(UInt32(number), "d\(number)", noise(70144, seed: UInt64(number))))
    }
    // A host without a free slot waits; here it has four of 64 KiB, so that a wrong count stops it.
    try roundTrip(contents, Talk(shape: PoolShape(slotCount: 4, slotBytes: 65536)))
  }

  @Test(arguments: [4, 16])
  func `what is kept is among the last half of the frames`(slotCount: Int) throws {
    let file = try ScratchArchive()
    let talk = Talk(shape: PoolShape(slotCount: slotCount, slotBytes: 65536))
    let plugin = try startWriter(file, talk)
    let disk = Content.disk(1, "d", noise(58 << 16, seed: 1))
    try plugin.host.start([disk], format: "vma", output: .file)
    try plugin.host.send { $0.appendOpen(stream: 1) }
    for cluster in 0..<58 {
      try plugin.host.sendData(disk, (cluster << 16)..<((cluster + 1) << 16), masks: true)
      // More than that would never come back without another frame.
      while plugin.host.unreleased > slotCount / 2 { try plugin.host.await(.release) }
    }
    try plugin.host.send {
      $0.append(CloseFrame(logicalLength: 58 << 16, digest: .none), stream: 1)
    }
    while plugin.host.unreleased > 0 { try plugin.host.await(.release) }
    _ = try plugin.host.finish()
    #expect(plugin.wait() == .exit(0))
    try Checker.expect(file, holds: [disk])
  }

  @Test func `frames of zeros do not make what is kept older than half of the frames`() throws {
    let file = try ScratchArchive()
    let plugin = try startWriter(file, Talk(shape: PoolShape(slotCount: 8, slotBytes: 65536)))
    let disk = Content.disk(1, "d", noise(20 << 16, seed: 1) { $0 >= 16 })
    try plugin.host.start([disk], format: "vma", output: .file)
    try plugin.host.send { $0.appendOpen(stream: 1) }
    for cluster in 0..<4 {
      try plugin.host.sendData(disk, (cluster << 16)..<((cluster + 1) << 16), masks: true)
    }
    // The first frame is older than the last four: it must come back by itself.
    while plugin.host.unreleased > 0 { try plugin.host.await(.release) }
    for cluster in 4..<20 {
      try plugin.host.sendData(disk, (cluster << 16)..<((cluster + 1) << 16), masks: true)
    }
    try plugin.host.send {
      $0.append(CloseFrame(logicalLength: 20 << 16, digest: .none), stream: 1)
    }
    _ = try plugin.host.finish()
    #expect(plugin.wait() == .exit(0))
    try Checker.expect(file, holds: [disk])
  }

  @Test func `the instant of the job is the archive's time`() throws {
    let file = try write([.config(1, "c", [1])])
    let bytes = try file.bytes()
    // 2026-01-31T20:00:00Z, which every job of these tests has.
    #expect(bytes[24..<32].reduce(0) { $0 << 8 | Int64($1) } == 1_769_889_600)
  }
}
