import CommandLine
import System
import Testing

/// Every format and every restore on file systems that lack what ext4 has. Mounted for real.
@Suite(
  .inTurns,
  .enabled(if: ForeignMount.Kind.canAll, "needs root, FUSE, bindfs, exfat-fuse, sshfs and ntfs-3g"))
struct ForeignFileSystemTests {
  private let place: Scratch

  init() throws {
    place = try Scratch()
    try place.makeSparse("d.raw", bytes: 4 << 20, data: [(0, 1 << 20), (3 << 20, 4096)])
  }

  private func succeed(_ arguments: [String]) async throws {
    let finding = try await sluice(arguments, in: place.directory)
    #expect(finding.status == 0, "\(arguments): \(finding.errors)")
    #expect(finding.left == [])
  }

  @Test(arguments: ForeignMount.Kind.allCases, ["raw", "qcow2", "vma", "tar", "ova"])
  func `every format is written and read`(kind: ForeignMount.Kind, format: String) async throws {
    let mount = try await ForeignMount(kind)
    let archive = mount.path("a.\(format)")
    try await succeed(["backup", "--image", "d=d.raw", "--to", "\(format)=\(archive)"])
    try await succeed(["verify", archive])
    try await succeed(["restore", archive, "--to", mount.path("restored")])
    try await place.shell("cmp d.raw '\(mount.path("restored/d.raw"))'")
    let isDirectory = format == "raw" || format == "qcow2"
    let names = ["a.\(format)"] + (isDirectory ? [] : ["a.\(format).sluice.json"])
    #expect(try mount.names().filter { $0 != "lost+found" } == names + ["restored"])
  }

  @Test(arguments: ForeignMount.Kind.allCases)
  func `disks are restored into files`(kind: ForeignMount.Kind) async throws {
    let mount = try await ForeignMount(kind)
    try await succeed(["backup", "--image", "d=d.raw", "--to", "raw=archive"])
    for name in ["x.raw", "x.qcow2"] {
      try await succeed(["restore", "archive", "--disk", "d=\(mount.path(name))"])
      try await succeed(["restore", "archive", "--disk", "d=\(mount.path(name))", "--force"])
    }
    try await place.shell(
      "cmp d.raw '\(mount.path("x.raw"))' && qemu-img compare d.raw '\(mount.path("x.qcow2"))'")
    #expect(try mount.names() == ["x.qcow2", "x.raw"])
  }

  @Test(arguments: ForeignMount.Kind.allCases)
  func `a name that is taken meanwhile is never replaced`(kind: ForeignMount.Kind) async throws {
    let mount = try await ForeignMount(kind)
    for format in ["raw", "vma"] {
      let program = try startSluice(
        [
          "backup", "--image", "d=d.raw", "--to", "\(format)=\(mount.path("a"))", "--rate-limit",
          "2M", "--json",
        ], in: place.directory)
      try #require(try await program.says("started"))
      try await place.shell("echo mine > '\(mount.path("a"))'")
      let finding = try await program.finding()
      #expect(finding.status == 73, "\(finding.errors)")
      #expect(try mount.names() == ["a"])
      #expect(
        try await place.shell("cat '\(mount.path("a"))'; rm '\(mount.path("a"))'") == "mine\n")
    }
  }

  @Test func `room that cannot be taken is refused before anything is read`() async throws {
    let mount = try await ForeignMount(.exfat)
    try await succeed(["backup", "--image", "d=d.raw", "--to", "raw=archive"])
    for target in [["--to", mount.path("x")], ["--disk", "d=\(mount.path("x.raw"))"]] {
      let finding = try await sluice(
        ["restore", "archive", "--preallocate"] + target, in: place.directory)
      #expect(finding.status == 73, "\(finding.errors)")
      #expect(finding.errors.contains("omit --preallocate"))
    }
    #expect(try mount.names() == [])
  }

  @Test(arguments: ForeignMount.Kind.allCases)
  func `a killed job's leftover goes with the next job`(kind: ForeignMount.Kind) async throws {
    let mount = try await ForeignMount(kind)
    let program = try startSluice(
      [
        "backup", "--image", "d=d.raw", "--to", "vma=\(mount.path("monday"))", "--rate-limit",
        "1M", "--json",
      ], in: place.directory)
    try #require(try await program.says("started"))
    program.send(9)
    _ = try await program.finding()
    #expect(try mount.names().count == 1)
    try await succeed(["backup", "--image", "d=d.raw", "--to", "raw=\(mount.path("tuesday"))"])
    #expect(try mount.names() == ["tuesday"])
  }
}
