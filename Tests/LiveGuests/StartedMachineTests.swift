import CommandLine
import Glibc
import JSON
import LiveGuest
import System
import Testing

/// A machine that was backed up while it ran, and is started again from its archive.
@Suite(.withGuest, .enabled(if: Emulator.installed.isThere, Emulator.installed.missing))
struct StartedMachineTests {
  /// Restores and starts; the machine ends with the returned program.
  private func start(_ guest: LiveGuest, _ arguments: String) async throws -> Program {
    let command = "\(Build.directory)/sluice restore archive --to out --start \(arguments)"
    // Whoever runs a test's program ends what it leaves behind.
    let program = try Program(
      ["sh", "-c", "\(command) && exec sleep 120"], in: guest.files.directory)
    let isRunning = try await program.says("the machine is running: process", within: 60)
    try #require(isRunning, "\(program.output)")
    return program
  }

  private func devices(_ monitor: Monitor) throws -> [String] {
    let drives = try monitor.query("query-block").array ?? []
    let parts = try monitor.query("qom-list", ["path": "/machine/peripheral"]).array ?? []
    return drives.map { "\($0["qdev"]?.string ?? "-")" }.sorted()
      + parts.map { "\($0["name"]?.string ?? "") \($0["type"]?.string ?? "")" }.sorted()
  }

  @Test func `a restored machine is started, boots and goes on from the instant`() async throws {
    let guest = try await LiveGuest(GuestSetup { $0.style = .drive })
    try await LiveBackup(guest: guest).run("archive")
    let before = try devices(guest.monitor)
    guest.kill()
    let program = try await start(guest, "--trust-command-line")
    let monitor = try await Monitor(path: guest.files.path("out/qmp"))
    #expect(try monitor.query("query-status")["status"] == "running")
    #expect(try devices(monitor) == before)
    let deadline = MonotonicTime.now.advanced(bySeconds: 60)
    var log = ""
    while !log.contains("\nrecord ") {
      log = try guest.files.text("out/qemu.log")
      try #require(MonotonicTime.now < deadline, "\(log)")
      try await Task.sleep(for: .milliseconds(50))
    }
    // It writes to the restored disks, and not to those of the old machine.
    let files = try monitor.query("query-block").array ?? []
    #expect(files.allSatisfy { $0["inserted"]?["file"]?.string?.contains("/out/") == true })
    program.send(SIGKILL)
    _ = try await program.finding()
    let found = try await instantCheck(
      guest.files.path("out/drive-virtio0.raw"), guest.files.path("out/drive-virtio1.raw"))
    #expect(found.isOne, "\(found.words)")
  }

  @Test func `a script without trust has the same devices and nothing of this host`() async throws {
    let guest = try await LiveGuest(GuestSetup { $0.hasAgent = true })
    try await LiveBackup(guest: guest).run("archive")
    let before = try devices(guest.monitor)
    guest.kill()
    let program = try await start(guest, "")
    let monitor = try await Monitor(path: guest.files.path("out/qmp"))
    #expect(try devices(monitor) == before)
    let script = try guest.files.text("out/start")
    #expect(script.contains("#   -kernel "))
    let code = script.split(separator: "\n").filter { !$0.hasPrefix("#") }
    #expect(!code.contains { $0.contains("vmlinuz") || $0.contains(guest.files.directory) })
    let status = try FileStatus(path: guest.files.path("out/start"))
    #expect(status.permissions == 0o700)
    program.send(SIGKILL)
    _ = try await program.finding()
  }

  @Test func `an archive is compared with the QEMU at hand`() async throws {
    let guest = try await LiveGuest(GuestSetup())
    try await LiveBackup(guest: guest).run("archive")
    guest.kill()
    let same = try await sluice(["restore", "--check", "archive"], in: guest.files.directory)
    #expect(same.status == 0, "\(same.errors)")
    #expect(same.output.contains("has this type of machine, processor, memory and devices"))
    #expect(same.left == [])
    let none = try await Program(
      ["env", "QEMU=/nonexistent", Build.directory + "/sluice", "restore", "--check", "archive"],
      in: guest.files.directory
    ).finding()
    #expect(none.status == 69)
    #expect(none.errors.contains("/nonexistent is not installed"))
  }

  @Test func `a machine that does not start is restored, and told with QEMU's last words`()
    async throws
  {
    let guest = try await LiveGuest(GuestSetup())
    try await LiveBackup(guest: guest).run("archive")
    guest.kill()
    try await guest.files.shell(
      "printf '#!/bin/sh\\necho no such machine; exit 3\\n' >qemu && chmod +x qemu")
    let finding = try await Program(
      [
        "env", "QEMU=\(guest.files.path("qemu"))", Build.directory + "/sluice", "restore",
        "archive", "--to", "out", "--start",
      ], in: guest.files.directory
    ).finding()
    #expect(finding.status == 69)
    #expect(finding.errors.contains("QEMU has ended (exit status 3)"))
    #expect(finding.errors.contains("no such machine"))
    #expect(guest.files.exists("out/disk0.raw"))
  }
}
