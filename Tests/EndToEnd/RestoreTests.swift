import CommandLine
import Glibc
import System
import Testing

/// Disks that are restored to places of their own.
@Suite(.inTurns) struct RestoreTests {
  private let place: Scratch

  init() throws { place = try Scratch() }

  /// An archive `m` with the disks `a` and `b` and a configuration.
  private func makeArchive(a: Int64 = 8 << 20, b: Int64 = 3 << 20) async throws {
    try place.makeSparse("a.raw", bytes: a, data: a > 4 << 20 ? [(0, 2 << 20), (4 << 20, 9)] : [])
    try place.makeSparse("b.raw", bytes: b, data: b > 0 ? [(b - 1, 1)] : [])
    try place.write("vm.conf", Array("cores: 2\n".utf8))
    let made = try await run([
      "backup", "--image", "a=a.raw", "--image", "b=b.raw", "--config", "vm.conf", "--to", "raw=m",
    ])
    #expect(made.status == 0, "\(made.errors)")
  }

  private func run(_ arguments: [String]) async throws -> Finding {
    try await sluice(arguments, in: place.directory)
  }

  private func restore(_ arguments: [String]) async throws -> Finding {
    let finding = try await run(["restore", "m"] + arguments)
    #expect(finding.left == [])
    return finding
  }

  private func expect(
    _ finding: Finding, _ status: Int32, _ words: String...,
    location: SourceLocation = #_sourceLocation
  ) {
    #expect(finding.status == status, "\(finding.errors)", sourceLocation: location)
    for word in words {
      #expect(finding.errors.contains(word), "\(finding.errors)", sourceLocation: location)
    }
  }

  private static let made = ["a.raw", "b.raw", "m", "vm.conf"]

  // Files

  @Test(arguments: ["x.raw", "x.qcow2"])
  func `a file that replaces another keeps its owner, group and mode`(name: String) async throws {
    try await makeArchive()
    try await place.shell("echo old > \(name) && chmod 4640 \(name)")
    if Build.isRoot { try await place.shell("chown 1000:1001 \(name)") }
    let before = try place.status(name)
    let finding = try await restore(["--disk", "a=\(name)", "--skip", "b", "--force"])
    expect(finding, 0)
    #expect(!finding.errors.contains("could not be kept"), "\(finding.errors)")
    let after = try place.status(name)
    #expect((after.owner, after.group) == (before.owner, before.group))
    #expect(after.permissions == 0o640, "no program")
  }

  @Test(arguments: [0, 1, 511, 512, 4097, 65_535, 65_537, 1 << 20, 3_145_729] as [Int64])
  func `a disk of any length comes back as raw and as qcow2`(size: Int64) async throws {
    try await makeArchive(b: size)
    expect(
      try await restore(["--disk", "a=a.qcow2", "--disk", "b=x,format=raw"]), 0,
      "skipped (no --to DIR): vm.conf")
    try await place.shell("cmp b.raw x && qemu-img compare -F raw a.qcow2 a.raw")
    expect(try await restore(["--disk", "b=x.qcow2", "--skip", "a"]), 0)
    try await place.shell("qemu-img check -q x.qcow2 && qemu-img compare -f qcow2 -F raw x.qcow2 x")
    #expect(try place.names() == (Self.made + ["a.qcow2", "x", "x.qcow2"]).sorted())
    #expect(try place.status("x.qcow2").permissions == 0o600)
  }

  @Test func `holes of a disk stay unallocated`() async throws {
    try await makeArchive(a: 256 << 20)
    expect(try await restore(["--disk", "a=a.qcow2", "--disk", "b=x.raw"]), 0)
    // 2 MiB and a cluster of data, and QEMU's tables.
    #expect(try place.status("a.qcow2").storedBytes < 3 << 20)
    #expect(try place.dataBytes("x.raw") == 4096)
  }

  @Test func `room is taken before the data comes`() async throws {
    try await makeArchive()
    expect(
      try await restore(["--disk", "a=a.qcow2", "--to", "rest", "--preallocate"]), 0)
    #expect(try place.status("a.qcow2").storedBytes >= 8 << 20)
    #expect(try place.status("rest/b.raw").storedBytes >= 3 << 20)
    try await place.shell("cmp b.raw rest/b.raw && qemu-img compare -F raw a.qcow2 a.raw")
    #expect(try place.names("rest") == ["b.raw", "vm.conf"])
  }

  @Test func `what is skipped is not restored`() async throws {
    try await makeArchive()
    expect(try await restore(["--to", "rest", "--skip", "a", "--skip", "vm.conf"]), 0)
    #expect(try place.names("rest") == ["b.raw"])
    try await place.shell("cmp b.raw rest/b.raw")
  }

  @Test func `a comma in a disk's path is doubled`() async throws {
    try await makeArchive()
    expect(try await restore(["--disk", "a=x,,y", "--disk", "b=z,format=qcow2"]), 0)
    try await place.shell("cmp a.raw x,y && qemu-img compare -f qcow2 -F raw z b.raw")
  }

  // What is refused

  @Test(arguments: [
    (["--disk", "q=x", "--to", "rest"], "\"q\" is not in the archive"),
    (["--skip", "q", "--to", "rest"], "it contains: vm.conf, a, b"),
    (["--disk", "a=x"], "no target for \"b\""),
    (["--disk", "vm.conf=x", "--to", "rest"], "is not a disk"),
    (["--disk", "a=x", "--disk", "a=y", "--to", "rest"], "given twice"),
    (["--disk", "a=x", "--disk", "b=./x"], "two disks would be restored to ./x"),
    (["--disk", "a=x", "--skip", "a", "--to", "rest"], "is in both --disk and --skip"),
    (["--disk", "a=x,format=vdi", "--to", "rest"], "--disk"),
    (["--disk", "a=", "--to", "rest"], "--disk"),
    (["--sparse"], "no destination"),
    (["--sparse", "--preallocate", "--to", "rest"], "--preallocate"),
  ])
  func `contradictory restore options write nothing`(
    arguments: [String], words: String
  ) async throws {
    try await makeArchive()
    expect(try await restore(arguments), 64, words)
    #expect(try place.names() == Self.made)
  }

  @Test func `nothing is overwritten without force`() async throws {
    try await makeArchive()
    try await place.shell("echo old > x && mkdir dir && ln -s x link")
    for path in ["x", "link", "dir"] {
      expect(
        try await restore(["--disk", "a=\(path)", "--skip", "b"]), 73, "already exists", "--force")
    }
    for path in ["link", "dir"] {
      expect(
        try await restore(["--disk", "a=\(path)", "--skip", "b", "--force"]), 73,
        "neither a file nor a block device")
    }
    #expect(try place.text("x") == "old\n")
    expect(try await restore(["--disk", "a=x", "--skip", "b", "--force"]), 0)
    try await place.shell("cmp a.raw x")
  }

  @Test func `an image that a machine writes is not overwritten`() async throws {
    try await makeArchive()
    try await place.shell("qemu-img create -q -f qcow2 x.qcow2 1M")
    let writer = try Program(
      [
        "qemu-storage-daemon", "--blockdev", "file,node-name=f,filename=\(place.path("x.qcow2"))",
        "--blockdev", "qcow2,node-name=n,file=f",
        "--nbd-server", "addr.type=unix,addr.path=\(place.path("socket"))",
        "--export", "nbd,id=e,node-name=n,name=d,writable=on",
      ])
    for _ in 0..<500 where !place.exists("socket") {
      try await Task.sleep(for: .milliseconds(10))
    }
    try await Task.sleep(for: .milliseconds(200))
    let finding = try await restore(["--disk", "a=x.qcow2", "--skip", "b", "--force"])
    writer.send(SIGTERM)
    _ = try await writer.finding()
    expect(finding, 66, "is in use (open for writing")
  }

  // Failures

  @Test func `a failed restore reports which disks are complete, and keeps them`() async throws {
    try await makeArchive()
    try place.flip("m/b.raw", at: 5)
    let finding = try await restore(["--disk", "a=a.qcow2", "--disk", "b=x", "--to", "rest"])
    expect(
      finding, 65, "digest differs", "disk a is complete: a.qcow2",
      "disk b was not restored", "rest was not created")
    try await place.shell("qemu-img compare -F raw a.qcow2 a.raw")
    #expect(try place.names() == (Self.made + ["a.qcow2"]).sorted())
  }

  @Test func `what was there stays until the new disk is whole`() async throws {
    try await makeArchive()
    try place.flip("m/b.raw", at: 5)
    try await place.shell("echo old > x && echo old > y.qcow2")
    for path in ["x", "y.qcow2"] {
      expect(try await restore(["--disk", "b=\(path)", "--skip", "a", "--force"]), 65)
      #expect(try place.text(path) == "old\n")
    }
    #expect(try place.names() == (Self.made + ["x", "y.qcow2"]).sorted())
  }

  @Test(
    .enabled(if: Build.isRoot, "root mounts a small file system"), arguments: ["raw", "qcow2"],
    ["--sparse", "--preallocate"])
  func `a disk that does not fit leaves nothing`(
    format: String, allocation: String
  ) async throws {
    try place.makeSparse("a.raw", bytes: 16 << 20, data: [(0, 16 << 20)])
    expect(try await run(["backup", "--image", "a=a.raw", "--to", "raw=m"]), 0)
    try await place.shell("mkdir small && mount -t tmpfs -o size=6M none small")
    let finding = try await restore(["--disk", "a=small/x,format=\(format)", allocation])
    let after = try place.names("small")
    try await place.shell("umount -l small")
    expect(finding, 74, "disk a was not restored")
    #expect(after == [])
  }

  @Test(arguments: [SIGINT, SIGKILL], ["x.raw", "x.qcow2"])
  func `a disk whose restore is stopped has no name`(
    signal: Int32, path: String
  ) async throws {
    try await place.shell("qemu-img create -q -f qcow2 big.qcow2 4G")
    try await place.shell("qemu-io -c 'write -P 3 0 256M' big.qcow2 && sync")
    expect(try await run(["backup", "--image", "a=big.qcow2", "--to", "raw=m"]), 0)
    let program = try startSluice(
      ["restore", place.path("m"), "--disk", "a=\(place.path(path))", "--json"])
    #expect(try await program.says("\"started\""))
    program.send(signal)
    let finding = try await program.finding()
    #expect(signal == SIGKILL ? finding.signal == SIGKILL : finding.status == 130)
    #expect(finding.left == [])
    #expect(!place.exists(path))
    expect(try await restore(["--disk", "a=\(path)"]), 0)
    #expect(try place.names() == ["big.qcow2", "m", path])
  }

  /// `NAME.raw` has to be a name that a file can have.
  @Test func `a disk's name that no restored file could have is refused before`() async throws {
    try place.makeSparse("d.raw", bytes: 65536)
    for (count, status) in [(251, 0), (252, 64), (253, 64)] {
      let name = String(repeating: "n", count: count)
      let backup = try await sluice(
        ["backup", "--image", "\(name)=d.raw", "--to", "vma=\(count).vma"], in: place.directory)
      #expect(backup.status == Int32(status), "\(backup.errors)")
    }
    let restore = try await sluice(["restore", "251.vma", "--to", "out"], in: place.directory)
    #expect(restore.status == 0, "\(restore.errors)")
  }
}
