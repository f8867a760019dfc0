import CommandLine
import Glibc
import JSON
import LiveGuest
import Testing

/// A disk whose device is taken from the guest while it is backed up, as `virsh detach-disk` does:
/// whoever took it can delete its node when the backup is over, and nothing of ours stays.
@Suite(.withGuest, .enabled(if: Emulator.usual.isThere, Emulator.usual.missing))
struct DetachedDiskTests {
  private enum End: Int, CaseIterable { case backup, watchdog, recovery, nextBackup }

  @Test(arguments: ["auto", "spool"])
  func `a disk that is detached meanwhile is free behind the backup`(
    transport: String
  ) async throws {
    let guest = try await LiveGuest(
      GuestSetup {
        $0.extra =
          ["-device", "virtio-scsi-pci,id=scsi"]
          + End.allCases.map(\.rawValue).flatMap { number in
            [
              "-blockdev",
              "driver=raw,node-name=extra\(number),file.driver=file,file.filename=\(number).raw",
              "-device", "scsi-hd,drive=extra\(number),id=scsi\(number),bus=scsi.0",
            ]
          }
      }, prepare: "for i in 0 1 2 3; do head -c 4M /dev/urandom >$i.raw; done")
    for end in End.allCases {
      let backup = try await SlowBackup(
        guest, ["--transport", transport, "--rate-limit", "8M"], begun: "\"point-in-time\"")
      try guest.monitor.query("device_del", ["id": .string("scsi\(end.rawValue)")])
      // What libvirt tries then, and never again.
      #expect(throws: MonitorError.self) { try free(end, guest) }
      let finding = try await ended(backup, end)
      try await finish(end, finding, guest)
      let left = try guest.blockState().lines.filter { $0.contains(" sluice-") }
      #expect(left == [], "\(end)")
      #expect(try SlowBackup.journals(of: guest) == [])
      try free(end, guest)
      try await guest.files.shell("rm -rf slow next")
    }
    try await LiveBackup(guest: guest).expectWriting()
  }

  private func free(_ end: End, _ guest: LiveGuest) throws {
    try guest.monitor.query("blockdev-del", ["node-name": .string("extra\(end.rawValue)")])
  }

  private func ended(_ backup: SlowBackup, _ end: End) async throws -> Finding {
    if end != .backup {
      if end != .watchdog {
        #expect(kill(try #require(backup.program.watchdog), SIGKILL) == 0)
      }
      backup.program.send(SIGKILL)
    }
    return try await backup.program.finding()
  }

  private func finish(_ end: End, _ finding: Finding, _ guest: LiveGuest) async throws {
    switch end {
    case .backup:
      // The instant was taken with the disk, and what is read is still that.
      #expect(finding.status == 0, "\(finding.errors)")
      try await guest.files.shell("cmp 0.raw slow/scsi0.raw")
    case .watchdog: break
    case .recovery:
      let recovery = try await sluice(["recover", "--qmp", guest.qmp])
      #expect(recovery.status == 0, "\(recovery.errors)")
    case .nextBackup:
      let next = try await sluice(
        ["backup", "--qmp", guest.qmp, "--to", "raw=next"], in: guest.files.directory)
      #expect(next.status == 0, "\(next.errors)")
    }
  }
}
