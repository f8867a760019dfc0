import CommandLine
import Glibc
import System
import Testing

/// Places that a restore must leave alone, whatever it is allowed to overwrite.
@Suite(.inTurns) struct RestoreTargetTests {
  private let place: Scratch

  init() async throws {
    place = try Scratch()
    try place.makeSparse("a.raw", bytes: 1 << 20, data: [(0, 70_000)])
    let made = try await sluice(
      ["backup", "--image", "a=a.raw", "--to", "raw=m", "--to", "tar=m.tar"], in: place.directory)
    #expect(made.status == 0, "\(made.errors)")
    try await place.shell("cp m.tar before && cp -r m m.before")
  }

  private func refusal(
    _ archive: String, _ disk: String, _ status: Int32, _ words: String, _ more: [String] = []
  ) async throws {
    let finding = try await sluice(
      ["restore", archive, "--disk", "a=\(disk)", "--force"] + more, in: place.directory)
    #expect(finding.status == status, "\(disk): \(finding.errors)")
    #expect(finding.errors.contains(words), "\(finding.errors)")
    #expect(finding.left == [])
  }

  @Test func `an archive is never overwritten by what is restored from it`() async throws {
    let words = "it is part of the archive being restored"
    try await place.shell("ln m.tar hard.raw && ln -s m there")
    for (archive, disk) in [
      ("m.tar", "m.tar,format=raw"), ("m.tar", "m.tar.sluice.json"), ("m.tar", "hard.raw"),
      ("m", "m/a.raw"), ("m", "m/new.raw"), ("m", "there/a.raw"),
    ] {
      try await refusal(archive, disk, 73, words)
    }
    let inside = try await sluice(["restore", "m", "--to", "m/r"], in: place.directory)
    #expect(inside.status == 73 && inside.errors.contains(words), "\(inside.errors)")
    try await place.shell("cmp m.tar before && diff -r m m.before")
  }

  @Test(.enabled(if: Build.isRoot, "only root can make a file in /dev"))
  func `a device whose name is mistyped does not become a file`() async throws {
    let name = "/dev/sluice-typo-\(getpid())"
    try await refusal("m", name, 73, "no such device")
    #expect(access(name, F_OK) != 0)
    // Memory that people use as a directory is no device.
    let shared = "/dev/shm/sluice-\(getpid()).raw"
    let finding = try await sluice(
      ["restore", "m", "--disk", "a=\(shared)"], in: place.directory)
    unlink(shared)
    #expect(finding.status == 0, "\(finding.errors)")
  }

  @Test func `a raw disk gets the suffix of another format only if it is called raw`() async throws
  {
    for name in ["x.vmdk", "x.vdi", "x.VHDX", "x.vpc", "x.ova"] {
      try await refusal("m", name, 64, "would be written as raw despite its suffix")
      #expect(!place.exists(name))
    }
    let said = try await sluice(
      ["restore", "m", "--disk", "a=x.vmdk,format=raw"], in: place.directory)
    #expect(said.status == 0, "\(said.errors)")
    let image = try await sluice(["restore", "m", "--disk", "a=y.QCOW2"], in: place.directory)
    #expect(image.status == 0, "\(image.errors)")
    try await place.shell("cmp a.raw x.vmdk && qemu-img compare -f raw -F qcow2 a.raw y.QCOW2")
  }

  @Test(.enabled(if: Build.isRoot, "root attaches loop devices"))
  func `a file that is attached to a loop device is not overwritten`() async throws {
    try await place.shell("truncate -s 4M used.raw && cp used.raw kept.raw")
    let device = String(
      try await place.shell("losetup -f --show used.raw").prefix { $0 != "\n" })
    do { try await refusal("m", "used.raw", 73, "the file is attached to \(device)") } catch {
      try await place.shell("losetup -d \(device)")
      throw error
    }
    try await place.shell("losetup -d \(device) && cmp used.raw kept.raw")
  }
}
