import CommandLine
import LiveGuest
import System
import Testing

/// The checker itself: what it must not let pass. The disks are a guest's, of three moments.
@Suite(.withGuest, .enabled(if: Emulator.installed.isThere, Emulator.installed.missing))
struct InstantCheckTests {
  @Test func `pairs of one instant pass, everything else does not`() async throws {
    let guest = try await LiveGuest(GuestSetup())
    let early = try await copies(guest, "early")
    try await Task.sleep(for: .seconds(1))
    let late = try await copies(guest, "late")
    for disks in [early, late] { try await expect(disks, isOne: true) }
    try await expect((early.a, late.b), isOne: false)
    try await expect((late.a, early.b), isOne: false)
    try await expect(late, isOne: false, after: "head -c 16M early-b >x", in: guest)
    let record = "dd if=/dev/zero of=x bs=4096 conv=notrunc status=none count=64"
    try await expect(late, isOne: false, after: "\(record) seek=100", in: guest)
    let moved = "dd if=late-b of=x bs=4096 conv=notrunc status=none count=8000 seek=1"
    try await expect(late, isOne: false, after: moved, in: guest)
    let old = "dd if=early-b of=x bs=4096 conv=notrunc status=none count=4096"
    try await expect(late, isOne: false, after: old, in: guest)
  }

  @Test func `a byte that differs is seen`() async throws {
    let guest = try await LiveGuest(GuestSetup())
    let disks = try await copies(guest, "disk")
    let text = try await guest.files.shell(
      "LC_ALL=C grep -obUaP -m 1 '!SluiCe1' disk-b | head -n 1; true")
    let place = text.split(separator: ":").first.flatMap { Int64($0) }
    try guest.files.flip("disk-b", at: try #require(place) + 2000)
    try await expect(disks, isOne: false)
  }

  /// Copies of both disks while the guest stands still.
  private func copies(_ guest: LiveGuest, _ name: String) async throws -> (a: String, b: String) {
    try await guest.run("stop")
    try await guest.files.shell("cp a.raw \(name)-a; cp b.raw \(name)-b")
    try await guest.run("start")
    return (guest.files.path("\(name)-a"), guest.files.path("\(name)-b"))
  }

  private func expect(_ disks: (a: String, b: String), isOne: Bool) async throws {
    let found = try await instantCheck(disks.a, disks.b)
    #expect(found.isOne == isOne, "\(found.words)")
  }

  /// Spoils a copy of disk B, which is called x, and checks.
  private func expect(
    _ disks: (a: String, b: String), isOne: Bool, after spoil: String, in guest: LiveGuest
  ) async throws {
    try await guest.files.shell("cp '\(disks.b)' x; \(spoil)")
    try await expect((disks.a, guest.files.path("x")), isOne: isOne)
  }
}
