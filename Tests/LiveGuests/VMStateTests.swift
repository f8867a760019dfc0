import CommandLine
import LiveGuest
import Testing

/// Disks and RAM in one archive: a machine that is resumed from it goes on counting.
@Suite(.withGuest) struct VMStateTests {
  /// What a machine can be, and its backups must not care about.
  struct Cell: Sendable, CustomTestStringConvertible {
    let emulator: Emulator
    let hasIOThread: Bool
    var testDescription: String { "\(emulator) \(hasIOThread ? "with" : "without") I/O thread" }

    static func all(_ emulator: Emulator) -> [Cell] {
      // QEMU 10.0 with I/O threads is refused.
      (emulator == .backports ? [false] : [false, true]).map {
        Cell(emulator: emulator, hasIOThread: $0)
      }
    }
  }

  static let formats = ["raw", "qcow2", "vma", "tar", "ova"]

  @Test(.enabled(if: Emulator.usual.isThere, Emulator.usual.missing))
  func `one backup puts the same RAM and disks into every format, and a machine goes on`()
    async throws
  {
    let backup = VMStateBackup(guest: try await LiveGuest(VMStateBackup.setup()))
    try await backup.run(
      "raw", Self.formats.dropFirst().flatMap { ["--to", "\($0)=\($0)"] })
    let first = try await backup.restore("raw")
    var last = first
    for format in Self.formats.dropFirst() {
      last = try await backup.restore(format, format: format)
      for file in ["vmstate.bin", "disk0.raw", "disk1.raw"] {
        try await backup.guest.files.shell("cmp '\(first)/\(file)' '\(last)/\(file)'")
      }
    }
    try await backup.expectGoesOn(last, "the last of \(Self.formats)")
    for round in 1..<VMStateBackup.count {
      for format in Self.formats {
        try await backup.expectRoundTrip("\(format)\(round)", format: format)
      }
    }
    try await LiveBackup(guest: backup.guest).expectWriting()
  }

  @Test(
    .enabled(if: Emulator.installed.isThere, Emulator.installed.missing),
    arguments: Cell.all(.installed))
  func `RAM and disks are of one instant with the installed QEMU`(cell: Cell) async throws {
    try await backUp(cell)
  }

  @Test(
    .enabled(if: Emulator.backports.isThere, Emulator.backports.missing),
    arguments: Cell.all(.backports))
  func `RAM and disks are of one instant with the QEMU of the backports`(
    cell: Cell
  ) async throws { try await backUp(cell) }

  /// Both ways; where the kernel has no background snapshot, the one that is there.
  private func backUp(_ cell: Cell) async throws {
    let guest = try await LiveGuest(
      VMStateBackup.setup {
        $0.emulator = cell.emulator
        $0.hasIOThread = cell.hasIOThread
      })
    let backup = VMStateBackup(guest: guest)
    for way in ["auto", "stop"] {
      for round in 0..<VMStateBackup.count {
        try await backup.expectRoundTrip("\(way)\(round)", way: way)
      }
    }
  }

  @Test(.enabled(if: Emulator.usual.isThere, Emulator.usual.missing))
  func `file systems of a resumed machine are clean when it is switched off`() async throws {
    let guest = try await LiveGuest(
      VMStateBackup.setup {
        $0.arguments = "mode=fs ram=48"
        $0.diskBytes = 64 << 20
      }, prepare: "mke2fs -q -t ext4 a.raw && mke2fs -q -t ext4 b.raw")
    let backup = VMStateBackup(guest: guest)
    try await backup.run("files")
    let restored = try await backup.restore("files")
    let machine = try await backup.resume(restored)
    let counter = try await machine.verifyRAM()
    #expect(try await machine.progress(since: counter).errors == 0)
    try await machine.verifyRAM()
    #expect(!machine.log.contains("EXT4-fs error"), "\(machine.log)")
    try await machine.run("poweroff")
    try await machine.waitForEnd()
    for disk in backup.disks(restored) { try await guest.files.shell("e2fsck -fn '\(disk)'") }
  }

  @Test(.enabled(if: Emulator.usual.isThere, Emulator.usual.missing))
  func `a machine that is paused stays so, and its RAM is that of the pause`() async throws {
    let guest = try await LiveGuest(VMStateBackup.setup())
    try guest.monitor.query("stop")
    let backup = VMStateBackup(guest: guest)
    try await backup.run("paused")
    #expect(["paused", "postmigrate"].contains(try guest.runState))
    let restored = try await backup.restore("paused")
    try await backup.expectGoesOn(restored, "paused")
    try guest.monitor.query("cont")
    try await LiveBackup(guest: guest).expectWriting()
    try await guest.verifyRAM()
  }
}
