import CommandLine
import LiveGuest
import System
import Testing

/// Fleecing stores that fail: the backup breaks, the guest goes on.
@Suite(.withGuest, .enabled(if: Emulator.usual.isThere, Emulator.usual.missing))
struct StoreFaultTests {
  struct Cell: Sendable, CustomTestStringConvertible {
    let fault: String
    let policy: String
    var testDescription: String { "\(fault) with werror=\(policy)" }

    /// Where the plan says "protected".
    static let protected = [
      Cell(fault: "enospc", policy: "enospc"), Cell(fault: "enospc", policy: "stop"),
      Cell(fault: "enospc", policy: "auto"), Cell(fault: "eio", policy: "stop"),
    ]
  }

  private func guest(_ policy: String) async throws -> LiveGuest {
    try await LiveGuest(
      GuestSetup {
        $0.writeErrors = policy
        $0.faultDirectory = "fleece"
      }, prepare: "mkdir fleece && echo none >fault")
  }

  @Test(arguments: Cell.protected)
  func `a store that fails breaks the backup and not the guest`(cell: Cell) async throws {
    let guest = try await guest(cell.policy)
    let backup = try await SlowBackup(guest, ["--fleecing-dir", "fleece"])
    try guest.setFault(cell.fault)
    let finding = try await backup.fails(74, saying: "backup aborted, guest keeps running")
    let stall = finding.errors.firstMatch(of: /was paused for (\d+) ms/).flatMap {
      Int($0.output.1)
    }
    #expect(try #require(stall, "\(finding.errors)") < 1000)
    try guest.setFault("none")
    try await backup.expectUnharmed()
    try await LiveBackup(guest: guest).run("slow")
  }

  @Test func `a store's errors reach a guest only where the plan has warned`() async throws {
    let guest = try await guest("enospc")
    let backup = try await SlowBackup(guest, ["--fleecing-dir", "fleece"])
    #expect(backup.program.output.contains("set werror=stop on the device"))
    try guest.setFault("eio")
    try await backup.fails(74, saying: "the guest got an I/O error")
    try guest.setFault("none")
    #expect(try guest.blockState() == backup.before)
    #expect(try guest.runState == "running")
  }

  @Test func `a store that hangs holds the guest only as long`() async throws {
    let guest = try await guest("stop")
    let backup = try await SlowBackup(guest, ["--fleecing-dir", "fleece"])
    try guest.setFault("hang")
    try await Task.sleep(for: .seconds(1))
    try guest.setFault("none")
    backup.program.send(15)
    try await backup.fails(130, saying: "interrupted")
    try await backup.expectUnharmed()
  }

  @Test(.enabled(if: Build.isRoot, "root mounts a small file system"))
  func `a backup breaks before its store is full`() async throws {
    let guest = try await guest("report")
    try await guest.files.shell("mkdir small && mount -t tmpfs -o size=8M none small")
    let before = try guest.blockState()
    let finding = try await sluice(
      [
        "backup", "--qmp", guest.qmp, "--fleecing-dir", "small", "--rate-limit", "1M", "--to",
        "raw=x",
      ], in: guest.files.directory)
    try await guest.files.shell("umount -l small")
    #expect(finding.status == 74, "\(finding.errors)")
    #expect(finding.errors.contains("left for fleecing images"), "\(finding.errors)")
    #expect(finding.errors.contains("8 MiB free"), "the plan has warned: \(finding.errors)")
    #expect(finding.errors.contains("small is not on the filesystem of disk0, disk1"))
    let backup = LiveBackup(guest: guest)
    try backup.expectUnharmed(before)
    try await backup.expectWriting()
    #expect(try guest.monitor.takeEvents().contains("STOP") == false)
  }

  @Test(.enabled(if: Build.isRoot, "root mounts a small file system"))
  func `room that cannot be reserved is found out before`() async throws {
    let guest = try await guest("stop")
    try await guest.files.shell("mkdir small && mount -t tmpfs -o size=8M none small")
    let before = try guest.blockState()
    let finding = try await sluice(
      [
        "backup", "--qmp", guest.qmp, "--fleecing-dir", "small", "--fleecing-reserve", "5M", "--to",
        "raw=x",
      ], in: guest.files.directory)
    try await guest.files.shell("umount -l small")
    #expect(finding.status == 74, "\(finding.errors)")
    #expect(finding.errors.contains("--fleecing-dir"), "\(finding.errors)")
    try LiveBackup(guest: guest).expectUnharmed(before)
  }
}
