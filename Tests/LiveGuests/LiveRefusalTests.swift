import CommandLine
import JSON
import LiveGuest
import Testing

/// Machines that cannot be backed up now, or not so.
@Suite(.withGuest, .enabled(if: Emulator.usual.isThere, Emulator.usual.missing))
struct LiveRefusalTests {
  @Test func `a second backup of a machine is refused`() async throws {
    let guest = try await LiveGuest(
      GuestSetup { $0.extra = ["-qmp", "unix:other,server=on,wait=off"] })
    let backup = try await SlowBackup(guest)
    // By the same socket, and by another one of the same QEMU.
    for socket in [guest.qmp, guest.files.path("other")] {
      let second = try await sluice(
        ["backup", "--qmp", socket, "--to", "raw=x"], in: guest.files.directory)
      #expect(second.status == 72)
      #expect(second.errors.contains("another backup of this machine is running"))
      let recovery = try await sluice(["recover", "--qmp", socket])
      #expect(recovery.status == 72)
    }
    backup.program.send(15)
    try await backup.fails(130, saying: "interrupted")
    try await backup.expectUnharmed()
  }

  @Test func `two machines are backed up at once`() async throws {
    let guests = [try await LiveGuest(GuestSetup()), try await LiveGuest(GuestSetup())]
    let states = try guests.map { try $0.blockState() }
    let programs = try guests.map {
      try startSluice(
        ["backup", "--qmp", $0.qmp, "--to", "raw=x", "--rate-limit", "24M"], in: $0.files.directory)
    }
    for (index, program) in programs.enumerated() {
      let finding = try await program.finding()
      #expect(finding.status == 0, "\(finding.errors)")
      try LiveBackup(guest: guests[index]).expectUnharmed(states[index])
    }
  }

  @Test func `another program's socket is told by its silence`() async throws {
    let guest = try await LiveGuest(GuestSetup())
    // The test's own connection holds it.
    let finding = try await sluice(
      ["backup", "--qmp", guest.files.path("control"), "--to", "raw=x"], in: guest.files.directory)
    #expect(finding.status == 72)
    #expect(finding.errors.contains("in use by another program"), "\(finding.errors)")
    #expect(finding.seconds < 10)
  }

  @Test func `another job on a disk is named`() async throws {
    let guest = try await LiveGuest(GuestSetup())
    try guest.monitor.query(
      "blockdev-add",
      ["driver": "null-co", "node-name": "copy", "size": .integer(guest.setup.diskBytes)])
    try guest.monitor.query(
      "blockdev-mirror",
      ["job-id": "my-mirror", "device": "node0", "target": "copy", "sync": "full"])
    try await Task.sleep(for: .seconds(1))
    let before = try guest.blockState()
    let finding = try await sluice(
      ["backup", "--qmp", guest.qmp, "--to", "raw=x"], in: guest.files.directory)
    #expect(finding.status == 72, "\(finding.errors)")
    #expect(finding.errors.contains("my-mirror"), "\(finding.errors)")
    try LiveBackup(guest: guest).expectUnharmed(before)
    #expect(try guest.files.names().contains("x") == false)
  }

  @Test func `an NBD server of somebody else is left alone`() async throws {
    let guest = try await LiveGuest(GuestSetup())
    let address: JSONValue = ["type": "unix", "data": ["path": .string(guest.files.path("nbd"))]]
    try guest.monitor.query("nbd-server-start", ["addr": address])
    for hasExport in [false, true] {
      if hasExport {
        try guest.monitor.query(
          "block-export-add",
          ["type": "nbd", "id": "mine", "node-name": "node0", "writable": false])
      }
      let (disks, finding) = try await LiveBackup(guest: guest).run("x\(hasExport)")
      #expect(finding.errors.contains("NBD server"), "\(finding.errors)")
      let found = try await instantCheck(disks[0], disks[1])
      #expect(found.isOne, "\(found.words)")
      let refused = try await sluice(
        ["backup", "--qmp", guest.qmp, "--transport", "nbd", "--to", "raw=y"],
        in: guest.files.directory)
      #expect(refused.status == 69, "\(refused.errors)")
    }
    try guest.monitor.query("nbd-server-stop")
  }

  @Test(arguments: [["--disk", "sda"], ["--exclude", "sda"], ["--exclude", "disk0,disk1"]])
  func `a disk that the machine has not is a fault of the command line`(
    arguments: [String]
  ) async throws {
    let guest = try await LiveGuest(GuestSetup { $0.isStopped = true })
    let finding = try await sluice(
      ["backup", "--qmp", guest.qmp, "--to", "raw=x"] + arguments, in: guest.files.directory)
    #expect(finding.status == 64)
    #expect(finding.errors.contains("available: disk0, disk1"), "\(finding.errors)")
  }

  @Test func `a taken name is found out before the guest is touched`() async throws {
    let guest = try await LiveGuest(GuestSetup { $0.isStopped = true }, prepare: "mkdir x")
    let finding = try await sluice(
      ["backup", "--qmp", guest.qmp, "--to", "raw=x"], in: guest.files.directory)
    #expect(finding.status == 73)
    #expect(!finding.output.contains("point in time"))
  }

  @Test(arguments: [
    ["--image", "d=d.raw"], ["--allow-backing", "."], ["--guest-stall-limit", "0"],
    ["--freeze", "require"],
  ])
  func `options that exclude each other are refused`(arguments: [String]) async throws {
    let finding = try await sluice(["backup", "--qmp", "q", "--to", "raw=x"] + arguments)
    #expect(finding.status == 64)
  }

  @Test(arguments: [
    ["--disk", "d"], ["--exclude", "d"], ["--fleecing-dir", "."], ["--fleecing-reserve", "1M"],
    ["--guest-agent", "a"], ["--freeze", "try"], ["--transport", "spool"],
  ])
  func `options of running machines need one`(arguments: [String]) async throws {
    let finding = try await sluice(["backup", "--image", "d=d", "--to", "raw=x"] + arguments)
    #expect(finding.status == 64)
    #expect(finding.errors.contains("needs --qmp"))
  }
}
