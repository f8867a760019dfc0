import CommandLine
import Glibc
import JSON
import LiveGuest
import System
import Testing

/// What is in the way of a backup with RAM, and a machine that is as it was all the same.
@Suite(.withGuest, .enabled(if: Emulator.usual.isThere, Emulator.usual.missing))
struct VMStateRefusalTests {
  /// RAM in a file on a disk: no kernel write-protects that for another program.
  private static func fileMemory(_ path: String) -> GuestSetup {
    VMStateBackup.setup {
      $0.extra = [
        "-object", "memory-backend-file,id=ram0,size=256M,share=on,mem-path=\(path)",
        "-machine", "memory-backend=ram0",
      ]
    }
  }

  @Test func `a machine whose RAM cannot be protected is refused, or paused`() async throws {
    let path = Build.directory + "/memory-\(getpid())"
    defer { unlink(path) }
    let guest = try await LiveGuest(Self.fileMemory(path))
    let before = (try guest.blockState(), try guest.migrationSettings())
    let finding = try await sluice(
      ["backup", "--qmp", guest.qmp, "--vmstate=background", "--to", "raw=refused"],
      in: guest.files.directory)
    #expect(finding.status == 69, "\(finding.errors)")
    #expect(finding.errors.contains("not compatible with guest memory"), "\(finding.errors)")
    #expect(try guest.blockState() == before.0)
    #expect(try guest.migrationSettings() == before.1)
    let backup = VMStateBackup(guest: guest)
    try await backup.run("paused", ["--guest-stall-limit", "30"])
    let restored = try await backup.restore("paused")
    // The next one would have the same memory.
    guest.kill()
    try await backup.expectGoesOn(restored, "RAM in a file")
  }

  @Test func `a migration of somebody else is left alone`() async throws {
    let guest = try await LiveGuest(VMStateBackup.setup())
    try guest.monitor.query("migrate-set-parameters", ["max-bandwidth": 1_048_576])
    try guest.monitor.query("migrate", ["uri": "exec:cat >/dev/null"])
    let finding = try await sluice(
      ["backup", "--qmp", guest.qmp, "--vmstate", "--to", "raw=refused"], in: guest.files.directory)
    #expect(finding.status == 72, "\(finding.errors)")
    #expect(finding.errors.contains("migration of this machine is in progress"))
    #expect(try guest.monitor.query("query-migrate")["status"]?.string == "active")
    #expect(try guest.runState == "running")
    try guest.monitor.query("migrate_cancel")
    try await LiveBackup(guest: guest).expectWriting()
  }

  /// It hung after such a backup, once in some fifty.
  @Test(.enabled(if: Emulator.backports.isThere, Emulator.backports.missing))
  func `a QEMU that may lose a request of a disk gives no RAM, and the doctor says so`()
    async throws
  {
    let guest = try await LiveGuest(
      VMStateBackup.setup {
        $0.emulator = .backports
        $0.hasIOThread = true
      })
    let before = (try guest.blockState(), try guest.migrationSettings())
    let finding = try await sluice(
      ["backup", "--qmp", guest.qmp, "--vmstate", "--to", "raw=refused"], in: guest.files.directory)
    #expect(finding.status == 69, "\(finding.errors)")
    #expect(finding.errors.contains("disk on an I/O thread (disk0, disk1)"), "\(finding.errors)")
    let doctor = try await sluice(["doctor", "--qmp", guest.qmp])
    #expect(doctor.output.contains("WARN  RAM cannot be backed up"), "\(doctor.output)")
    #expect(try guest.blockState() == before.0)
    #expect(try guest.migrationSettings() == before.1)
    try await LiveBackup(guest: guest).expectWriting()
  }

  @Test func `a machine that has never run has no RAM to back up`() async throws {
    let guest = try await LiveGuest(VMStateBackup.setup { $0.isStopped = true })
    let finding = try await sluice(
      ["backup", "--qmp", guest.qmp, "--vmstate", "--to", "raw=refused"], in: guest.files.directory)
    #expect(finding.status == 69, "\(finding.errors)")
    #expect(finding.errors.contains("has not been started"), "\(finding.errors)")
    try guest.monitor.query("cont")
    try await guest.waitUntilReady()
  }

  @Test(arguments: Emulator.allCases.filter(\.isThere))
  func `a QEMU that may start nothing gives its RAM, as libvirt runs it`(
    emulator: Emulator
  ) async throws {
    let guest = try await LiveGuest(
      VMStateBackup.setup {
        $0.emulator = emulator
        $0.extra = [
          "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
        ]
      })
    let backup = VMStateBackup(guest: guest)
    for way in ["auto", "stop"] { try await backup.run(way, way: way) }
    try await LiveBackup(guest: guest).expectWriting()
    try await guest.verifyRAM()
  }
}
