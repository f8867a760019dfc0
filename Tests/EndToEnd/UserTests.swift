import CommandLine
import Glibc
import System
import Testing

/// The same as an ordinary user: no capability, no own user for the plugin.
@Suite(.inTurns, .enabled(if: Build.isRoot, "root becomes an ordinary user")) struct UserTests {
  private func makeTrip(
    plugins: [String] = ["raw"]
  ) async throws -> (RoundTrip, PublicBuild) {
    let copy = try await PublicBuild(plugins: plugins)
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

  @Test func `a file of another user that is replaced is told to have changed hands`() async throws
  {
    let (trip, copy) = try await makeTrip()
    try trip.place.makeSparse("d.raw", bytes: 1 << 20, data: [(0, 70_000)])
    trip.expectSuccess(try await trip.run(["backup", "--image", "d=d.raw", "--to", "raw=n"]))
    try await trip.place.shell("echo old > x.raw && chown 0:0 x.raw && chmod 664 x.raw")
    let finding = try await trip.run(["restore", "n", "--disk", "d=x.raw", "--force"])
    #expect(finding.status == 0, "\(finding.errors)")
    let nobody = Build.nobody
    #expect(
      finding.errors.contains(
        "x.raw has owner \(nobody):\(nobody), mode 0604; "
          + "the file that it replaced had owner 0:0, mode 0664, which could not be kept"),
      "\(finding.errors)")
    withExtendedLifetime(copy) {}
  }

  /// The limit on processes counts all of a user's, outside of user namespaces.
  @Test func `a user with many processes and no user namespaces may compress`() async throws {
    let (trip, copy) = try await makeTrip(plugins: ["vma", "ova"])
    try trip.place.makeSparse("d.raw", bytes: 5 << 20, data: [(0, 3 << 20)])
    try await trip.place.shell(
      """
      cat > many.sh <<'END'
      for i in $(seq 100); do sleep 60 & all="$all $!"; done
      for format in vma tar; do
        \(copy.directory)/sluice backup --image d=d.raw --to $format=x.$format \\
          --option $format.compress=zstd || echo "$format: $?"
      done
      kill $all
      END
      cat > deny.sh <<'END'
      echo 0 > /proc/sys/user/max_user_namespaces
      exec setpriv --reuid=\(Build.nobody) --regid=\(Build.nobody) --clear-groups sh many.sh
      END
      """)
    // A user namespace that allows none below it; root is root there once its users are mapped.
    let said = try await trip.place.shell(
      """
      mkfifo ready go && exec 8<>ready 9<>go
      unshare --user sh -c 'echo >&8; read x <&9; exec sh deny.sh' 2>&1 &
      read x <&8
      for map in uid_map gid_map; do echo 0 0 65536 > /proc/$!/$map; done
      echo >&9; wait $!
      """)
    #expect(said.contains("vma: x.vma is complete"), "\(said)")
    #expect(said.contains("tar: x.tar is complete"), "\(said)")
    withExtendedLifetime(copy) {}
  }

  @Test func `what the user may not read or write is named`() async throws {
    let (trip, copy) = try await makeTrip()
    try trip.place.makeSparse("d.raw", bytes: 1 << 20, data: [(0, 1 << 20)])
    try await trip.place.shell("chmod 0 d.raw && mkdir closed")
    let unreadable = try await trip.run(["backup", "--image", "d=d.raw", "--to", "raw=a"])
    #expect(unreadable.status == 77, "\(unreadable.errors)")
    #expect(unreadable.errors.contains("permission denied"))
    try await trip.place.shell("chmod 644 d.raw")
    let unwritable = try await trip.run(["backup", "--image", "d=d.raw", "--to", "raw=closed/a"])
    #expect([73, 77].contains(unwritable.status), "\(unwritable.errors)")
    #expect(unwritable.errors.contains("EACCES"))
    #expect(try trip.place.names() == ["closed", "d.raw"])
    withExtendedLifetime(copy) {}
  }
}
