import CommandLine
import Glibc
import JSON
import Testing

/// What goes wrong outside of plugins: the user hears what and why, and nothing is left.
@Suite(.inTurns) struct FaultTests {
  private func backUp(
    _ place: Scratch, _ image: String, to archive: String = "raw=archive",
    _ more: [String] = []
  ) async throws -> Finding {
    try await sluice(
      ["backup", "--image", image, "--to", archive] + more, in: place.directory)
  }

  private func expect(
    _ finding: Finding, _ status: Int32, _ words: String...,
    location: SourceLocation = #_sourceLocation
  ) {
    #expect(finding.status == status, "\(finding.errors)", sourceLocation: location)
    #expect(finding.left == [], sourceLocation: location)
    for word in words {
      #expect(finding.errors.contains(word), "\(finding.errors)", sourceLocation: location)
    }
  }

  private func makeRaw(_ place: Scratch, mebibytes: Int64 = 4) throws {
    try place.makeSparse(
      "d.raw", bytes: mebibytes << 20, data: [(0, Int(mebibytes) << 20)])
  }

  // Images

  @Test func `an image that is not there is named`() async throws {
    let place = try Scratch()
    expect(try await backUp(place, "d=none.qcow2"), 66, "no such file", "none.qcow2")
    #expect(try place.names() == [])
  }

  @Test func `a text that is called qcow2 is no image`() async throws {
    let place = try Scratch()
    try place.write("d.qcow2", Array("just a text\n".utf8))
    expect(try await backUp(place, "d=d.qcow2"), 65, "d.qcow2 is not a qcow2 image")
    expect(try await backUp(place, "d=d.qcow2,format=qcow2"), 65, "d.qcow2")
    #expect(try place.names() == ["d.qcow2"])
  }

  @Test func `a directory, a FIFO and an empty name are no images`() async throws {
    let place = try Scratch()
    try await place.shell("mkdir dir && mkfifo fifo.raw")
    expect(try await backUp(place, "d=dir,format=raw"), 66, "neither a regular file")
    expect(try await backUp(place, "d=fifo.raw"), 66, "neither a regular file")
    expect(try await backUp(place, "d="), 64)
    expect(try await backUp(place, "=d.raw"), 64)
    #expect(try place.names() == ["dir", "fifo.raw"])
  }

  @Test func `an image that somebody writes is left alone`() async throws {
    let place = try Scratch()
    try await place.shell("qemu-img create -q -f qcow2 d.qcow2 1M")
    let writer = try Program(
      [
        "qemu-storage-daemon", "--blockdev", "file,node-name=f,filename=\(place.path("d.qcow2"))",
        "--blockdev", "qcow2,node-name=n,file=f",
        "--nbd-server", "addr.type=unix,addr.path=\(place.path("socket"))",
        "--export", "nbd,id=e,node-name=n,name=d,writable=on",
      ])
    for _ in 0..<500 where !place.exists("socket") {
      try await Task.sleep(for: .milliseconds(10))
    }
    try await Task.sleep(for: .milliseconds(200))
    let finding = try await backUp(place, "d=d.qcow2")
    writer.send(SIGTERM)
    _ = try await writer.finding()
    expect(finding, 66, "is in use (open for writing", "shut it down first")
    #expect(!place.exists("archive"))
    let later = try await backUp(place, "d=d.qcow2")
    expect(later, 0)
  }

  @Test(arguments: ["vhost-user", "nbd"])
  func `a bad sector ends the job with its place`(transport: String) async throws {
    let place = try Scratch()
    try await makeDamaged(place)
    let finding = try await backUp(place, "d=d.qcow2", ["--transport", transport])
    expect(finding, 74, "cannot read d at byte ", "EIO", "nothing was published")
    #expect(try place.names() == ["d.qcow2"])
  }

  /// 8 MiB, compressed; the cluster at 4 MiB cannot be unpacked, which QEMU reports as EIO.
  private func makeDamaged(_ place: Scratch) async throws {
    let half = (0..<Int64(128)).map { ($0 << 16, 32 << 10) }
    try place.makeSparse("raw", bytes: 8 << 20, data: half)
    try await place.shell("qemu-img convert -c -f raw -O qcow2 raw d.qcow2 && rm raw")
    let bytes = try place.bytes("d.qcow2")
    func entry(_ at: UInt64) -> UInt64 {
      bytes[Int(at)..<Int(at) + 8].reduce(0) { $0 << 8 | UInt64($1) }
    }
    let table = entry(entry(40)) & 0x00FF_FFFF_FFFF_FE00
    let cluster = entry(table + 64 * 8)
    #expect(cluster >> 62 & 1 == 1, "the cluster is compressed")
    let offset = Int64(cluster & ((1 << 54) - 1))
    try place.write("d.qcow2", [UInt8](repeating: 0xFF, count: 64), at: offset)
  }

  // What an image is

  @Test func `a name that does not tell the format needs one`() async throws {
    let place = try Scratch()
    try await place.shell("qemu-img create -q -f qcow2 disk 1M")
    expect(
      try await backUp(place, "d=disk"), 64, "looks like qcow2", "add format=",
      "format=qcow2")
    expect(try await backUp(place, "d=disk,format=qcow2"), 0)
    expect(try await backUp(place, "d=disk,format=qcov2", to: "raw=b"), 64)
    expect(try await backUp(place, "d=disk,colour=red", to: "raw=b"), 64)
    expect(try await backUp(place, "d=disk,format=vdi", to: "raw=b"), 65)
    #expect(try place.names() == ["archive", "disk"])
  }

  @Test func `a guest's header in a raw disk is data`() async throws {
    let place = try Scratch()
    try await place.shell(
      "qemu-img create -q -f qcow2 -b /etc/shadow -F raw -u d.raw 1M && truncate -s 1M d.raw")
    expect(try await backUp(place, "d=d.raw"), 0)
    try await place.shell("cmp d.raw archive/d.raw")
  }

  @Test func `a file elsewhere is not followed without leave`() async throws {
    let (place, other) = (try Scratch(), try Scratch())
    try await other.shell("qemu-img create -q -f raw base.raw 1M")
    try await place.shell(
      "qemu-img create -q -f qcow2 -b '\(other.path("base.raw"))' -F raw d.qcow2")
    expect(try await backUp(place, "d=d.qcow2"), 65, "--allow-backing")
    expect(
      try await backUp(place, "d=d.qcow2", ["--allow-backing", other.directory]), 0)
  }

  @Test func `a comma in a name is doubled`() async throws {
    let place = try Scratch()
    try makeRaw(place)
    try await place.shell("mv d.raw 'a,b.raw'")
    expect(try await backUp(place, "d=a,b.raw"), 64)
    expect(try await backUp(place, "d=a,,b.raw"), 0)
    try await place.shell("cmp 'a,b.raw' archive/d.raw")
  }

  @Test func `names that an archive cannot carry are refused`() async throws {
    let place = try Scratch()
    try makeRaw(place)
    for name in [".d", "a/b", "..", "a\u{1B}b", String(repeating: "x", count: 300)] {
      expect(try await backUp(place, "\(name)=d.raw"), 64)
    }
    expect(try await backUp(place, "d=d.raw", ["--image", "d=d.raw"]), 64, "duplicate name")
    #expect(try place.names() == ["d.raw"])
  }

  // Outputs

  @Test func `an archive is never replaced`() async throws {
    let place = try Scratch()
    try makeRaw(place)
    try await place.shell("mkdir empty full && touch full/file")
    try await place.shell("touch text && ln -s nowhere link")
    for name in ["empty", "full", "text", "link"] {
      let finding = try await backUp(place, "d=d.raw", to: "raw=\(name)")
      expect(finding, 73, "\(name): already exists", "choose another name")
    }
    #expect(try place.names() == ["d.raw", "empty", "full", "link", "text"])
    #expect(try place.names("full") == ["file"])
  }

  @Test func `a place that is not there is named`() async throws {
    let place = try Scratch()
    try makeRaw(place)
    expect(
      try await backUp(place, "d=d.raw", to: "raw=none/archive"), 73, "none/archive",
      "create its directory first")
    expect(try await backUp(place, "d=d.raw", to: "raw=d.raw/archive"), 73)
    for name in ["..", ".", "/"] {
      expect(try await backUp(place, "d=d.raw", to: "raw=\(name)"), 64)
    }
    #expect(try place.names() == ["d.raw"])
  }

  @Test(.enabled(if: Build.isRoot, "root mounts a small file system"))
  func `a full disk leaves nothing`() async throws {
    let place = try Scratch()
    try makeRaw(place, mebibytes: 16)
    try await place.shell("mkdir small && mount -t tmpfs -o size=8M none small")
    let finding = try await backUp(place, "d=d.raw", to: "raw=small/archive")
    let after = try place.names("small")
    try await place.shell("umount -l small")
    expect(finding, 74, "plugin \"raw\"", "ENOSPC", "free some space")
    #expect(after == [])
  }

  @Test(.enabled(if: Build.isRoot, "root mounts a small file system"))
  func `a full disk does not touch the others of a tee`() async throws {
    let place = try Scratch()
    try makeRaw(place, mebibytes: 16)
    try await place.shell("mkdir small && mount -t tmpfs -o size=8M none small")
    let finding = try await backUp(
      place, "d=d.raw", to: "raw:a=small/archive", ["--to", "raw:b=archive"])
    let after = try place.names("small")
    try await place.shell("umount -l small")
    expect(finding, 75, "ENOSPC")
    #expect(after == [])
    try await place.shell("cmp d.raw archive/d.raw")
  }

  @Test(.enabled(if: Build.isRoot, "root mounts a file system read-only"))
  func `a file system that cannot be written is named`() async throws {
    let place = try Scratch()
    try makeRaw(place)
    try await place.shell("mkdir fixed && mount -t tmpfs -o ro none fixed")
    let finding = try await backUp(place, "d=d.raw", to: "raw=fixed/archive")
    try await place.shell("umount fixed")
    expect(finding, 73, "fixed/archive", "EROFS")
  }
}
