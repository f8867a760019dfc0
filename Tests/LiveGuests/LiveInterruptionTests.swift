import CommandLine
import Glibc
import JSON
import LiveGuest
import System
import Testing

/// What ends from outside while a running machine is backed up.
@Suite(.withGuest, .enabled(if: Emulator.usual.isThere, Emulator.usual.missing))
struct LiveInterruptionTests {
  @Test(arguments: [1, 2])
  func `a live backup that is stopped leaves the machine as it was`(signals: Int) async throws {
    let backup = try await SlowBackup(try await LiveGuest(GuestSetup()))
    for _ in 0..<signals {
      backup.program.send(SIGTERM)
      try await Task.sleep(for: .milliseconds(30))
    }
    try await backup.fails(130, saying: "interrupted")
    try await backup.expectUnharmed()
  }

  @Test func `the watchdog takes down what a killed coordinator left`() async throws {
    let backup = try await SlowBackup(try await LiveGuest(GuestSetup()))
    backup.program.send(SIGKILL)
    try await backup.waitUntilUndone()
    _ = try await backup.program.finding()
    try await backup.expectUnharmed()
    #expect(try SlowBackup.journals(of: backup.guest) == [])
    try await LiveBackup(guest: backup.guest).run("slow")
  }

  @Test func `a watchdog that is killed is replaced`() async throws {
    let backup = try await SlowBackup(try await LiveGuest(GuestSetup()))
    let first = try #require(backup.program.watchdog)
    #expect(kill(first, SIGKILL) == 0)
    #expect(try await backup.program.says("starting another one", within: 5))
    #expect(try #require(backup.program.watchdog) != first)
    backup.program.send(SIGKILL)
    try await backup.waitUntilUndone()
    _ = try await backup.program.finding()
    try await backup.expectUnharmed()
  }

  @Test func `a writer that stands still costs the guest nothing`() async throws {
    let guest = try await LiveGuest(GuestSetup())
    let before = try guest.blockState()
    let program = try startSluice(
      ["backup", "--qmp", guest.qmp, "--to", "raw=slow", "--rate-limit", "12M"],
      in: guest.files.directory)
    #expect(try await program.says("point in time"))
    for _ in 0..<1000 where program.writer == nil { try await Task.sleep(for: .milliseconds(10)) }
    let writer = try #require(program.writer)
    try await Task.sleep(for: .milliseconds(500))
    #expect(kill(writer, SIGSTOP) == 0)
    _ = try guest.monitor.takeEvents()
    for _ in 0..<12 {
      let record = try await guest.status().record
      try await Task.sleep(for: .seconds(5))
      #expect(try await guest.progress(since: record, within: 1).errors == 0)
    }
    #expect(try !guest.monitor.takeEvents().contains("STOP"))
    #expect(kill(writer, SIGCONT) == 0)
    let finding = try await program.finding(within: 120)
    #expect(finding.status == 0, "\(finding.errors)")
    #expect(finding.output.contains("guest: never paused"), "\(finding.output)")
    try LiveBackup(guest: guest).expectUnharmed(before)
    #expect(try await sluice(["verify", "slow"], in: guest.files.directory).status == 0)
  }

  @Test(arguments: ["recover", "backup"])
  func `what a coordinator and its watchdog left is removed`(verb: String) async throws {
    let backup = try await SlowBackup(try await LiveGuest(GuestSetup()))
    let guest = backup.guest
    let watchdog = try #require(backup.program.watchdog)
    // It replaces a watchdog that is gone, unless it stands still itself.
    backup.program.send(SIGSTOP)
    #expect(kill(watchdog, SIGKILL) == 0)
    backup.program.send(SIGKILL)
    _ = try await backup.program.finding()
    #expect(try guest.blockState() != backup.before)
    #expect(try SlowBackup.journals(of: guest).count == 1)
    if verb == "recover" {
      let finding = try await sluice(["recover", "--qmp", guest.qmp])
      #expect(finding.status == 0, "\(finding.errors)")
      #expect(finding.output.contains("leftovers of dead job"))
      let again = try await sluice(["recover", "--qmp", guest.qmp])
      #expect(again.output == "nothing to clean up\n")
      try await backup.expectUnharmed()
    } else {
      let finding = try await sluice(
        ["backup", "--qmp", guest.qmp, "--to", "raw=slow"], in: guest.files.directory)
      #expect(finding.status == 0, "\(finding.errors)")
      #expect(finding.output.contains("leftovers of dead job"))
      try await backup.expectUnharmed()
    }
    #expect(try SlowBackup.journals(of: guest) == [])
  }

  @Test func `a killed QEMU ends the backup`() async throws {
    let backup = try await SlowBackup(try await LiveGuest(GuestSetup()))
    backup.guest.kill()
    let finding = try await backup.fails(74, saying: "QEMU has exited")
    #expect(finding.seconds < 20)
  }

  @Test(arguments: ["quit", "poweroff"])
  func `a machine that ends is told as such`(how: String) async throws {
    let backup = try await SlowBackup(try await LiveGuest(GuestSetup()))
    if how == "quit" {
      _ = try? backup.guest.monitor.query("quit")
    } else {
      _ = try? await backup.guest.run("poweroff", within: 2)
    }
    try await backup.fails(74, saying: "(shutdown: ")
  }

  @Test func `a reset guest is backed up all the same`() async throws {
    let guest = try await LiveGuest(GuestSetup())
    let before = try guest.blockState()
    let program = try startSluice(
      ["backup", "--qmp", guest.qmp, "--to", "raw=slow", "--rate-limit", "12M"],
      in: guest.files.directory)
    #expect(try await program.says("point in time"))
    try guest.monitor.query("system_reset")
    let finding = try await program.finding()
    #expect(finding.status == 0, "\(finding.errors)")
    #expect(finding.output.contains("guest reset; the backup continues"))
    try LiveBackup(guest: guest).expectUnharmed(before)
    let restored = try await sluice(["restore", "slow", "--to", "r"], in: guest.files.directory)
    #expect(restored.status == 0)
    let names = guest.setup.diskNames.map { guest.files.path("r/\($0).raw") }
    let found = try await instantCheck(names[0], names[1])
    #expect(found.isOne, "\(found.words)")
  }

  @Test func `a job that somebody cancels loses the instant`() async throws {
    let backup = try await SlowBackup(try await LiveGuest(GuestSetup()))
    let jobs = try backup.guest.monitor.query("query-jobs").array ?? []
    let id = try #require(jobs.first?["id"]?.string)
    try backup.guest.monitor.query("job-cancel", ["id": .string(id)])
    try await backup.fails(74, saying: "the point in time of disk")
    try await backup.expectUnharmed()
  }

  @Test func `a drive that goes with its device ends the backup`() async throws {
    let guest = try await LiveGuest(
      GuestSetup {
        $0.extra = [
          "-device", "virtio-scsi-pci,id=scsi", "-drive",
          "file=c.raw,if=none,id=drive-scsi0,format=raw", "-device",
          "scsi-hd,drive=drive-scsi0,id=scsi0,bus=scsi.0",
        ]
      }, prepare: "truncate -s 16M c.raw")
    let backup = try await SlowBackup(guest)
    try guest.monitor.query("device_del", ["id": "scsi0"])
    let finding = try await backup.program.finding()
    #expect(finding.status == 74, "\(finding.errors)")
    #expect(finding.errors.contains("drive-scsi0 is lost"), "\(finding.errors)")
    try backup.expectNoTrace()
    let left = try guest.blockState().lines.filter { $0.contains(" sluice-") }
    #expect(left == [])
    try await LiveBackup(guest: guest).expectWriting()
  }

  @Test func `what others do to a disk meanwhile does no harm`() async throws {
    let guest = try await LiveGuest(GuestSetup { $0.format = .qcow2 })
    let before = try guest.blockState()
    let program = try startSluice(
      ["backup", "--qmp", guest.qmp, "--to", "raw=slow", "--rate-limit", "12M"],
      in: guest.files.directory)
    #expect(try await program.says("point in time"))
    // QEMU keeps both from happening while a job has the disk.
    #expect(throws: MonitorError.self) {
      try guest.monitor.query(
        "block_resize", ["node-name": "node0", "size": .integer(guest.setup.diskBytes * 2)])
    }
    try await guest.files.shell("qemu-img create -q -f qcow2 over.qcow2 \(guest.setup.diskBytes)")
    #expect(throws: MonitorError.self) {
      try guest.monitor.query(
        "blockdev-snapshot-sync",
        [
          "node-name": "node0", "snapshot-file": .string(guest.files.path("over.qcow2")),
          "mode": "existing", "format": "qcow2", "snapshot-node-name": "over",
        ])
    }
    let finding = try await program.finding()
    #expect(finding.status == 0, "\(finding.errors)")
    try LiveBackup(guest: guest).expectUnharmed(before)
    try await LiveBackup(guest: guest).expectWriting()
  }

  @Test(arguments: [1, 2])
  func `a QEMU that stands still holds nobody up for long`(signals: Int) async throws {
    let backup = try await SlowBackup(try await LiveGuest(GuestSetup()))
    let guest = backup.guest
    let watchdog = try #require(backup.program.watchdog)
    #expect(kill(guest.process, SIGSTOP) == 0)
    let stopped = MonotonicTime.now
    for _ in 0..<signals { backup.program.send(SIGTERM) }
    let finding = try await backup.program.finding()
    #expect(finding.status == 130, "\(finding.errors)")
    #expect(finding.output.contains("sluice recover --qmp"), "\(finding.output)")
    // The watchdog too has its five seconds.
    #expect(MonotonicTime.now.seconds(since: stopped) < 15)
    #expect(kill(watchdog, 0) != 0)
    #expect(kill(guest.process, SIGCONT) == 0)
    let recovery = try await sluice(["recover", "--qmp", guest.qmp])
    #expect(recovery.status == 0, "\(recovery.errors)")
    try await backup.expectUnharmed()
    #expect(try SlowBackup.journals(of: guest) == [])
  }

  @Test func `a QEMU that answers nothing ends the backup`() async throws {
    let backup = try await SlowBackup(try await LiveGuest(GuestSetup()))
    let guest = backup.guest
    #expect(kill(guest.process, SIGSTOP) == 0)
    let stopped = MonotonicTime.now
    let finding = try await backup.program.finding()
    // The limit, and the take-down's five seconds.
    #expect(MonotonicTime.now.seconds(since: stopped) < 30)
    #expect(kill(guest.process, SIGCONT) == 0)
    #expect(finding.status == 74, "\(finding.errors)")
    #expect(finding.errors.contains("QEMU has not answered for 15 s"), "\(finding.errors)")
    let recovery = try await sluice(["recover", "--qmp", guest.qmp])
    #expect(recovery.status == 0, "\(recovery.errors)")
    try await backup.expectUnharmed()
    #expect(try SlowBackup.journals(of: guest) == [])
  }

  @Test func `a plugin that dies does not touch the guest`() async throws {
    let backup = try await SlowBackup(try await LiveGuest(GuestSetup()))
    #expect(kill(try #require(backup.program.writer), SIGKILL) == 0)
    let finding = try await backup.program.finding()
    #expect(finding.status == 70, "\(finding.errors)")
    try backup.expectNoTrace()
    try await backup.expectUnharmed()
  }
}
