import CommandLine
import Glibc
import System
import Testing

/// A raw disk with a bad sector in its middle: a file that QEMU offers through FUSE, and that
/// answers EIO there, as the kernel would for a dying disk.
@Suite(
  .inTurns,
  .enabled(
    if: Build.isRoot && access("/dev/fuse", W_OK) == 0, "this kernel offers no FUSE to this user"))
struct BadSectorTests {
  @Test(arguments: ["vhost-user", "nbd"])
  func `a bad sector ends the job with its place, and the disk below is named`(
    transport: String
  ) async throws {
    let place = try Scratch()
    try place.makeSparse("disk", bytes: 8 << 20, data: [(0, 8 << 20)])
    try place.makeSparse("d.raw", bytes: 0)
    let daemon = try offer(place, badByte: 5 << 20 | 4096)
    #expect(try await appears(place))
    let finding = try await sluice(
      ["backup", "--image", "d=d.raw", "--to", "raw=archive", "--transport", transport],
      in: place.directory)
    let names = try place.names()
    daemon.send(SIGTERM)
    _ = try await daemon.finding()
    #expect(finding.status == 74, "\(finding.errors)")
    #expect(
      finding.errors.contains("cannot read d at byte 5242880: Input/output error (EIO)"),
      "\(finding.errors)")
    #expect(finding.errors.contains("the image or the storage below it is damaged"))
    #expect(finding.left == [])
    #expect(names == ["d.raw", "disk"])
  }

  @Test(arguments: ["vma", "raw", "qcow2"])
  func `a bad sector below an archive costs a salvage its cluster`(format: String) async throws {
    let place = try Scratch()
    try await place.shell("head -c 8M /dev/urandom > o.raw; head -c 3M /dev/urandom > b.raw")
    let made = try await sluice(
      ["backup", "--image", "d=o.raw", "--image", "b=b.raw", "--to", "\(format)=x"],
      in: place.directory)
    #expect(made.status == 0, "\(made.errors)")
    // The file with the bad sector appears under the name of one that is as long.
    let file = format == "vma" ? "x" : "x/d.\(format)"
    try await place.shell("mv \(file) disk && touch d.raw \(file)")
    let daemon = try offer(place, badByte: 5 << 20)
    #expect(try await appears(place))
    try await place.shell("mount --bind d.raw \(file)")
    let finding = try await sluice(
      ["restore", "x", "--to", "r", "--keep-damaged"], in: place.directory)
    try await place.shell("umount -l \(file)")
    daemon.send(SIGTERM)
    _ = try await daemon.finding()
    #expect(finding.status == 65, "\(finding.errors)")
    #expect(finding.errors.contains("d: 64.0 KiB at byte"), "\(finding.errors)")
    #expect(finding.errors.contains("Input/output error (EIO)"), "\(finding.errors)")
    try await place.shell("cmp b.raw r/b.raw")
    let differing = try await place.shell("cmp -l o.raw r/d.raw.incomplete | wc -l")
    #expect(Int(differing.dropLast()).map { $0 > 64_000 && $0 <= 65_536 } == true, "\(differing)")
  }

  /// Offers `disk` as the content of `d.raw`; reading the sector of `badByte` fails.
  private func offer(_ place: Scratch, badByte: Int64) throws -> Program {
    let faults = """
      {"driver": "blkdebug", "node-name": "faults", "image": "file", "inject-error": [
        {"event": "none", "iotype": "read", "errno": 5, "sector": \(badByte / 512)}]}
      """
    return try Program(
      [
        "qemu-storage-daemon",
        "--blockdev", "file,node-name=file,filename=\(place.path("disk"))", "--blockdev", faults,
        "--blockdev", "raw,node-name=disk,file=faults",
        "--export", "fuse,id=e,node-name=disk,mountpoint=\(place.path("d.raw"))",
      ])
  }

  private func appears(_ place: Scratch) async throws -> Bool {
    for _ in 0..<500 {
      if try place.status("d.raw").size > 0 { return true }
      try await Task.sleep(for: .milliseconds(10))
    }
    return false
  }
}
