import ArchiveBytes
import BackupProtocol
import CommandLine
import DiskFormats
import Testing

/// Images that `qemu-img` writes.
@Suite(.inTurns, .enabled(if: Build.has("qemu-img"), "needs qemu-img"))
struct `An image of qemu-img` {
  @Test(arguments: Disk.all)
  func `is read if it is a stream-optimised VMDK`(disk: Disk) async throws {
    let file = try await made(disk, "vmdk -o subformat=streamOptimized")
    #expect(try tabled(file).holds(disk.bytes))
    #expect(try streamed(file).holds(disk.bytes))
  }

  @Test(arguments: Disk.all)
  func `is read if it is a sparse VMDK`(disk: Disk) async throws {
    #expect(try tabled(try await made(disk, "vmdk")).holds(disk.bytes))
  }

  private static let clusters = [
    "", " -c", " -o cluster_size=4k", " -c -o cluster_size=256k", " -c -o compression_type=zstd",
    " -c -o compression_type=zstd,cluster_size=2M", " -c -o compression_type=zstd,cluster_size=4k",
  ]

  @Test(arguments: Disk.all, Self.clusters)
  func `is read if it is a qcow2 image`(disk: Disk, how: String) async throws {
    #expect(try clustered(try await made(disk, "qcow2" + how)).holds(disk.bytes))
  }

  @Test func `is refused by name if it is a qcow2 image with extended L2 entries`() async throws {
    let scratch = try Scratch()
    try await scratch.shell("qemu-img create -f qcow2 -o extended_l2=on,cluster_size=128k q 3M")
    let bytes = try scratch.bytes("q")
    let error = #expect(throws: ArchiveError.self) { try clustered(bytes) }
    #expect(error?.code == .unsupported && error?.message.contains("extended L2") == true)
  }

  @Test func `says where the data of a flat VMDK is`() async throws {
    let scratch = try Scratch()
    try await scratch.shell("qemu-img create -f vmdk -o subformat=monolithicFlat d.vmdk 3M")
    let descriptor = try VMDKDescriptor(parsing: try scratch.bytes("d.vmdk"))
    #expect(descriptor.createType == "monolithicFlat")
    #expect(!descriptor.hasParent)
    #expect(
      descriptor.extents == [.init(sectors: 6144, kind: .flat, name: "d-flat.vmdk", offset: 0)])
  }

  private func made(_ disk: Disk, _ how: String) async throws -> [UInt8] {
    let scratch = try Scratch()
    try scratch.write("disk.raw", disk.bytes)
    try await scratch.shell("qemu-img convert -f raw -O \(how) disk.raw image")
    return try scratch.bytes("image")
  }
}
