import CommandLine
import LiveGuest
import Testing

/// What a guest finds when it is booted from a backup of itself.
@Suite(.withGuest) struct RestoredMachineTests {
  static let makeFileSystems = "mke2fs -q -t ext4 a.raw && mkfs.xfs -q b.raw"

  @Test(.enabled(if: Emulator.installed.isThere, Emulator.installed.missing))
  func `a restored machine boots and goes on from the instant`() async throws {
    let guest = try await LiveGuest(GuestSetup())
    let disks = try await LiveBackup(guest: guest).run("archive").disks
    guest.kill()
    let found = try await instantCheck(disks[0], disks[1])
    #expect(found.isOne, "\(found.words)")
    let restored = try await LiveGuest(GuestSetup { $0.images = disks })
    try await Task.sleep(for: .milliseconds(500))
    let ready = try await restored.wait(for: "= ready record=", within: 5)
    #expect(found.words.contains("B=\(ready.split(separator: "=").last ?? "-")\n"))
    #expect(try await restored.status().errors == 0)
    try await restored.run("stop")
    #expect(try await instantCheck(disks[0], disks[1]).isOne)
  }

  @Test(.enabled(if: Emulator.usual.isThere, Emulator.usual.missing))
  func `a guest boots from an increment as it is, and the archive stays as it was`() async throws {
    let guest = try await LiveGuest(GuestSetup())
    let chain = try LiveChain(guest)
    try await chain.backUp(guest, "b0", "full")
    _ = try await guest.progress(since: guest.status().record)
    try await chain.backUp(guest, "b1")
    guest.kill()
    let booted = try await LiveGuest(
      GuestSetup {
        $0.format = .qcow2
        // QEMU writes to temporary files: for -blockdev there is no -snapshot.
        $0.style = .drive
        $0.extra = ["-snapshot"]
        $0.images = chain.disks.map { chain.path("b1/\($0).qcow2") }
      })
    _ = try await booted.progress(since: booted.status().record)
    #expect(try await booted.status().errors == 0)
    booted.kill()
    try await chain.verify("b1")
    try await chain.expectOneInstant("b1")
  }

  @Test(
    .enabled(if: Emulator.installed.isThere, Emulator.installed.missing),
    .enabled(if: Build.has("mkfs.xfs"), "xfsprogs is needed"))
  func `file systems of a restored machine are clean after their journals`() async throws {
    let guest = try await LiveGuest(fileSystems(), prepare: Self.makeFileSystems)
    let disks = try await LiveBackup(guest: guest).run("archive").disks
    try await guest.files.shell("cp '\(disks[0])' a.copy && e2fsck -y -E journal_only a.copy")
    try await guest.files.shell("e2fsck -fn a.copy")
    guest.kill()
    let restored = try await LiveGuest(
      fileSystems {
        $0.images = disks
        $0.arguments = "mode=check fs xfs"
        $0.isStopped = true
      })
    try restored.monitor.query("cont")
    try await restored.wait(for: "one instant: A=", within: 60)
    #expect(!restored.log.contains("not one instant"))
    try await restored.waitForEnd()
    // The journals have been replayed by the guest's own kernel.
    try await guest.files.shell("e2fsck -fn '\(disks[0])' && xfs_repair -n '\(disks[1])'")
  }

  @Test(
    .enabled(if: Emulator.installed.isThere, Emulator.installed.missing),
    .enabled(if: Build.has("mkfs.xfs"), "xfsprogs is needed"))
  func `file systems frozen by the guest's agent need no journal`() async throws {
    let guest = try await LiveGuest(
      fileSystems { $0.hasAgent = true }, prepare: Self.makeFileSystems)
    let backup = LiveBackup(guest: guest)
    let agent = ["--guest-agent", guest.agent, "--freeze", "require"]
    let disks = try await backup.run("archive", agent).disks
    try await backup.expectWriting()
    // Without replay: what is on the disks is whole.
    try await guest.files.shell("e2fsck -fn '\(disks[0])'")
    let features = try await guest.files.shell("dumpe2fs -h '\(disks[0])'")
    #expect(!features.contains("needs_recovery"))
  }

  private func fileSystems(_ change: (inout GuestSetup) -> Void = { _ in }) -> GuestSetup {
    var setup = GuestSetup()
    // mkfs.xfs makes nothing smaller than 300 MiB.
    setup.diskBytes = 320 << 20
    setup.arguments = "mode=fs xfs"
    change(&setup)
    return setup
  }
}
