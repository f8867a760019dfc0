import CommandLine
import Glibc
import System
import Testing

/// The same as an ordinary user: no capability, no own user for the plugin.
@Suite(.inTurns, .enabled(if: Build.isRoot, "root becomes an ordinary user")) struct UserTests {
  private func makeTrip() async throws -> (RoundTrip, PublicBuild) {
    let copy = try await PublicBuild()
    var trip = try RoundTrip(owner: Build.nobody)
    trip.user = Build.nobody
    trip.build = copy.directory
    return (trip, copy)
  }

  @Test(arguments: ["vhost-user", "nbd"])
  func `an ordinary user's disk comes back whole`(transport: String) async throws {
    var (trip, copy) = try await makeTrip()
    trip.arguments = ["--transport", transport]
    try trip.place.makeSparse("d.raw", bytes: 5 << 20 + 513, data: [(0, 3 << 20), (4 << 20, 9)])
    try await trip.place.shell("qemu-img convert -f raw -O qcow2 d.raw d.qcow2")
    try await trip.backUp(["a=d.raw", "b=d.qcow2"])
    try await trip.expectRestored([("a", "d.raw", "raw"), ("b", "d.qcow2", "qcow2")])
    #expect(try trip.place.status("archive/a.raw").owner == Build.nobody)
    #expect(try trip.place.status("archive").permissions & 0o777 == 0o700)
    withExtendedLifetime(copy) {}
  }

  @Test func `an ordinary user streams, restores into an image and converts`() async throws {
    let (trip, copy) = try await makeTrip()
    let plugins = try await StackFolder()
    let path = ["--plugin-path", plugins.path]
    try trip.place.makeSparse("d.raw", bytes: 5 << 20, data: [(0, 3 << 20), (4 << 20, 9)])
    trip.expectSuccess(
      try await trip.run(
        ["backup"] + path + ["--image", "d=d.raw", "--to", "stack=|cat > t"]))
    trip.expectSuccess(try await trip.run(["restore"] + path + ["t", "--disk", "d=x.qcow2"]))
    trip.expectSuccess(try await trip.run(["convert"] + path + ["t", "--to", "raw=n"]))
    try await trip.place.shell("cmp d.raw n/d.raw && qemu-img compare -F raw x.qcow2 d.raw")
    #expect(try trip.place.status("x.qcow2").owner == Build.nobody)
    withExtendedLifetime(copy) {}
  }

  @Test func `what the user may not read or write is named`() async throws {
    let (trip, copy) = try await makeTrip()
    try trip.place.makeSparse("d.raw", bytes: 1 << 20, data: [(0, 1 << 20)])
    try await trip.place.shell("chmod 0 d.raw && mkdir closed")
    let unreadable = try await trip.run(["backup", "--image", "d=d.raw", "--to", "raw=a"])
    #expect(unreadable.status == 77, "\(unreadable.errors)")
    #expect(unreadable.errors.contains("may not be read by this user"))
    try await trip.place.shell("chmod 644 d.raw")
    let unwritable = try await trip.run(["backup", "--image", "d=d.raw", "--to", "raw=closed/a"])
    #expect([73, 77].contains(unwritable.status), "\(unwritable.errors)")
    #expect(unwritable.errors.contains("EACCES"))
    #expect(try trip.place.names() == ["closed", "d.raw"])
    withExtendedLifetime(copy) {}
  }
}
