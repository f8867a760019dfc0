import CommandLine
import Glibc
import JSON
import LiveGuest
import System
import Testing

/// Disks that QEMU copies into a spool, because nothing else is safe for the guest.
@Suite(.withGuest, .enabled(if: Emulator.installed.isThere, Emulator.installed.missing))
struct SpoolTests {
  private func guest(
    writeErrors: String = "stop", _ change: (inout GuestSetup) -> Void = { _ in }
  ) async throws -> LiveGuest {
    try await LiveGuest(
      GuestSetup {
        $0.emulator = .installed
        $0.hasIOThread = true
        $0.writeErrors = writeErrors
        $0.faultDirectory = "fleece"
        $0.diskBytes = 48 << 20
        change(&$0)
      },
      prepare: """
        mkdir fleece && echo none >fault
        for i in a b; do qemu-io -f raw -c 'write -P 90 32M 16M' $i.raw >/dev/null; done
        """)
  }

  /// A backup whose disks are being copied, for some four seconds.
  private func spooling(_ guest: LiveGuest) async throws -> SlowBackup {
    try await SlowBackup(
      guest, ["--fleecing-dir", "fleece", "--rate-limit", "8M"], begun: "\"point-in-time\"")
  }

  @Test func `the plan and the doctor say which way and why`() async throws {
    let guest = try await guest(writeErrors: "enospc")
    let doctor = try await sluice(["doctor", "--qmp", guest.qmp])
    #expect(doctor.status == 0, "\(doctor.output)")
    for words in [
      "QEMU copies the disks to a spool", "because vhost-user is not safe with this QEMU (7.2",
      "disk0, disk1", "crash when the guest is paused or reset", "the spool needs",
      "disk0: if the spool fails",
    ] { #expect(doctor.output.contains(words), "lacks \(words): \(doctor.output)") }
    let (disks, finding) = try await LiveBackup(guest: guest).run("x")
    #expect(finding.output.contains("QEMU copies the disks to a spool"), "\(finding.output)")
    #expect(finding.output.contains("the guest is no longer involved"))
    #expect(finding.errors.contains("disk0: if the spool fails"), "\(finding.errors)")
    let found = try await instantCheck(disks[0], disks[1])
    #expect(found.isOne, "\(found.words)")
  }

  @Test(arguments: ["vhost-user", "nbd"])
  func `a way that may end QEMU is refused, asked for or not`(transport: String) async throws {
    let guest = try await guest()
    let before = try guest.blockState()
    let finding = try await sluice(
      ["backup", "--qmp", guest.qmp, "--transport", transport, "--to", "raw=x"],
      in: guest.files.directory)
    #expect(finding.status == 69, "\(finding.errors)")
    #expect(finding.errors.contains("\(transport) is not safe with this QEMU"))
    #expect(finding.errors.contains("use --transport auto"))
    let backup = LiveBackup(guest: guest)
    try backup.expectUnharmed(before)
    try await backup.expectWriting()
  }

  @Test(.enabled(if: Build.isRoot, "root mounts a small file system"))
  func `a spool for which there is no room is refused with the ways out`() async throws {
    let guest = try await guest()
    try await guest.files.shell("mkdir small && mount -t tmpfs -o size=8M none small")
    let before = try guest.blockState()
    let finding = try await sluice(
      ["backup", "--qmp", guest.qmp, "--fleecing-dir", "small", "--to", "raw=x"],
      in: guest.files.directory)
    let doctor = try await sluice(["doctor", "--qmp", guest.qmp])
    try await guest.files.shell("umount -l small")
    #expect(finding.status == 74, "\(finding.errors)")
    for words in ["because vhost-user is not safe", "--fleecing-dir", "without I/O threads"] {
      #expect(finding.errors.contains(words), "lacks \(words): \(finding.errors)")
    }
    #expect(doctor.status == 0)
    try LiveBackup(guest: guest).expectUnharmed(before)
  }

  /// What may happen to a copy.
  private enum End: CaseIterable {
    case killed, killedWithWatchdog, cancelled, stopped, full, broken
  }

  @Test func `whatever ends a copy, the guest goes on and nothing is left`() async throws {
    let guest = try await guest()
    for end in End.allCases {
      let backup = try await spooling(guest)
      try await bring(end, to: backup)
      try guest.setFault("none")
      try backup.expectNoTrace()
      try await backup.expectUnharmed()
    }
  }

  private func bring(_ end: End, to backup: SlowBackup) async throws {
    switch end {
    case .killed:
      backup.program.send(SIGKILL)
      try await backup.waitUntilUndone()
      _ = try await backup.program.finding()
      try await backup.guest.files.shell("rm -rf .slow.sluice-*")
    case .killedWithWatchdog:
      #expect(kill(try #require(backup.program.watchdog), SIGKILL) == 0)
      backup.program.send(SIGKILL)
      _ = try await backup.program.finding()
      let recovery = try await sluice(["recover", "--qmp", backup.guest.qmp])
      #expect(recovery.status == 0, "\(recovery.errors)")
    case .cancelled:
      let jobs = try backup.guest.monitor.query("query-jobs").array ?? []
      let id = try #require(jobs.first?["id"]?.string)
      try backup.guest.monitor.query("job-cancel", ["id": .string(id)])
      try await backup.fails(74, saying: "disk")
    case .stopped:
      backup.program.send(SIGTERM)
      try await backup.fails(130, saying: "interrupted")
    case .full, .broken:
      try backup.guest.setFault(end == .full ? "enospc" : "eio")
      try await backup.fails(74, saying: "disk")
    }
  }

  @Test func `a QEMU that ends behind its copy harms no backup`() async throws {
    let guest = try await guest()
    let program = try startSluice(
      ["backup", "--json", "--qmp", guest.qmp, "--to", "raw=x", "--rate-limit", "8M"],
      in: guest.files.directory)
    #expect(try await program.says("\"spooled\""))
    guest.kill()
    let finding = try await program.finding()
    #expect(finding.status == 0, "\(finding.errors)")
    let verified = try await sluice(["verify", "x"], in: guest.files.directory)
    #expect(verified.status == 0, "\(verified.errors)")
  }

  @Test func `more disks than one daemon serves are copied at once`() async throws {
    let guest = try await LiveGuest(
      GuestSetup {
        $0.isStopped = true
        $0.extra = (2..<9).flatMap { number in
          [
            "-blockdev",
            "driver=raw,node-name=node\(number),file.driver=file,file.filename=\(number)",
            "-device", "virtio-blk-pci,drive=node\(number),id=disk\(number)",
          ]
        }
      }, prepare: "for i in 2 3 4 5 6 7 8; do head -c 2M /dev/urandom >$i; done")
    let finding = try await sluice(
      ["backup", "--qmp", guest.qmp, "--to", "raw=x", "--transport", "spool"],
      in: guest.files.directory)
    #expect(finding.status == 0, "\(finding.errors)")
    for number in 2..<9 { try await guest.files.shell("cmp \(number) x/disk\(number).raw") }
    let left = try guest.blockState().lines.filter { $0.contains(" sluice-") }
    #expect(left == [])
  }
}
