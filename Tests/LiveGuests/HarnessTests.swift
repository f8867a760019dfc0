import CommandLine
import JSON
import LiveGuest
import Testing

/// What the other tests of live guests stand on.
@Suite(.withGuest) struct HarnessTests {
  /// Puts disk A where faults are.
  static let breakable = "echo none >fault; mkdir store; mv a.raw store; ln -s store/a.raw a.raw"

  @Test(.enabled(if: Emulator.installed.isThere, Emulator.installed.missing))
  func `the guest writes, stops, measures and ends on the installed QEMU`() async throws {
    try await live(.installed)
  }

  @Test(.enabled(if: Emulator.backports.isThere, Emulator.backports.missing))
  func `the guest writes, stops, measures and ends on the QEMU of the backports`() async throws {
    try await live(.backports)
  }

  private func live(_ emulator: Emulator) async throws {
    let guest = try await LiveGuest(
      GuestSetup {
        $0.emulator = emulator
        $0.style = .drive
        $0.hasIOThread = true
        $0.format = .qcow2
      })
    let before = try guest.blockState()
    #expect(before.lines.contains { $0.hasPrefix("drive drive-virtio0 ") })
    try await Task.sleep(for: .milliseconds(500))
    let status = try await guest.run("status")[0]
    #expect(status.contains("running=1") && status.contains("errors=0"))
    let latency = try await guest.run("latency")[0]
    #expect(latency.contains("p99="))
    try await guest.run("stop")
    #expect(try await guest.run("status")[0].contains("running=0"))
    #expect(try guest.blockState() == before)
    #expect(try guest.runState == "running")
    try await guest.run("poweroff")
    try await guest.waitForEnd()
  }

  @Test(
    .enabled(if: Emulator.installed.isThere, Emulator.installed.missing),
    arguments: ["enospc", "eio-unsynced"])
  func `a fault reaches the guest's disk, and ends`(word: String) async throws {
    let guest = try await LiveGuest(
      GuestSetup {
        $0.faultDirectory = "store"
        $0.writeErrors = "report"
      }, prepare: Self.breakable)
    #expect(try await guest.status().errors == 0)
    try guest.setFault(word)
    try await guest.wait(for: "IOERROR A", within: 20)
    try guest.setFault("none")
    try await guest.progress(since: guest.status().record)
  }

  @Test(.enabled(if: Emulator.installed.isThere, Emulator.installed.missing))
  func `a disk that hangs goes on when it is let`() async throws {
    let guest = try await LiveGuest(
      GuestSetup { $0.faultDirectory = "store" }, prepare: Self.breakable)
    try guest.setFault("hang")
    try await Task.sleep(for: .milliseconds(200))
    let record = try await guest.status().record
    try await Task.sleep(for: .seconds(1))
    #expect(try await guest.status().record == record)
    try guest.setFault("none")
    #expect(try await guest.progress(since: record).errors == 0)
  }

  @Test(.enabled(if: Emulator.installed.isThere, Emulator.installed.missing))
  func `what is put into QEMU shows in the state of its blocks`() async throws {
    let guest = try await LiveGuest(GuestSetup())
    let before = try guest.blockState()
    try guest.monitor.query("blockdev-add", ["driver": "null-co", "node-name": "extra"])
    try guest.monitor.query(
      "block-dirty-bitmap-add", ["node": "node0", "name": "map", "disabled": true])
    let between = try guest.blockState()
    #expect(between.lines.count == before.lines.count + 2)
    try guest.monitor.query("block-dirty-bitmap-remove", ["node": "node0", "name": "map"])
    try guest.monitor.query("blockdev-del", ["node-name": "extra"])
    #expect(try guest.blockState() == before)
  }
}
