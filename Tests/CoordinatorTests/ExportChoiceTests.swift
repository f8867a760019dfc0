import QEMUControl
import Requests
import Testing

@testable import JobSupport
@testable import LiveBackup

/// Which way a running machine's data takes, by what its QEMU can do and what is safe for it.
@Suite struct ExportChoiceTests {
  private let plain = [GuestBlockDevice.test("a")]
  private let threaded = [GuestBlockDevice.test("a"), .test("b", iothread: "io0")]

  private func choice(
    _ machine: GuestMachine, _ wish: BackupRequest.TransportChoice = .auto
  ) throws(JobError) -> ExportChoice {
    try ExportChoice(machine, machine.devices, wish)
  }

  private func expectUnavailable(
    _ words: String, _ machine: GuestMachine, _ wish: BackupRequest.TransportChoice
  ) {
    let error = #expect(throws: JobError.self) { _ = try choice(machine, wish) }
    #expect(error?.status == .unavailable && error?.remedy == .automaticTransport)
    #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
  }

  @Test func `the fastest way that is there is taken`() throws {
    let both = try choice(.test(plain))
    #expect(both.way == .vhostUser && both.usesNBD && both.notes == [])
    let nbd = try choice(.test(plain, exports: ["nbd"]))
    #expect(nbd.way == .nbd && nbd.usesNBD)
    #expect(nbd.notes == ["this QEMU has no vhost-user-blk exports; using NBD, which is slower"])
    let none = try choice(.test(plain, exports: []))
    #expect(none.way == .spool && !none.usesNBD && none.spoolReason != nil)
  }

  @Test func `where NBD is taken, holes are read too, and it is told`() throws {
    let choice = try choice(.test(plain, nbdServerInUse: true))
    #expect(choice.way == .vhostUser && !choice.usesNBD)
    #expect(
      choice.notes == [
        "QEMU's NBD server is in use by another program",
        "a: no allocation map, so holes are read too",
      ])
  }

  @Test func `one disk on an I/O thread makes a spool of all`() throws {
    let choice = try choice(.test(threaded))
    #expect(choice.way == .spool && choice.notes == [])
    #expect(choice.spoolReason?.contains("disks on I/O threads (b)") == true)
    #expect(choice.text.hasPrefix("QEMU copies the disks to a spool first, because "))
    // A disk that is not backed up does not matter.
    let some = try ExportChoice(.test(threaded), plain, .auto)
    #expect(some.way == .vhostUser)
  }

  @Test func `a way that is asked for is taken, or refused with the reason`() throws {
    #expect(try choice(.test(plain), .nbd).way == .nbd)
    let spool = try choice(.test(plain), .spool)
    #expect(spool.way == .spool && spool.spoolReason == nil)
    expectUnavailable("is not safe with this QEMU (7.2.22)", .test(threaded), .vhostUser)
    expectUnavailable("is not safe with this QEMU (7.2.22)", .test(threaded), .nbd)
    expectUnavailable("no vhost-user-blk exports", .test(plain, exports: ["nbd"]), .vhostUser)
    expectUnavailable("in use by another", .test(plain, nbdServerInUse: true), .nbd)
  }
}
