import CommandLine
import QEMUControl
import System
import Testing

/// How much room a copy of a disk may need, told before it is made.
@Suite(.inTurns, .enabled(if: Emulator.isThere && Build.has("qemu-img"), Emulator.missing))
struct ContentBytesTests {
  private static let megabyte: Int64 = 1 << 20

  private func bytes(_ prepare: String, _ image: String) async throws -> Int64 {
    let emulator = try await Emulator(
      [
        "-machine", "pc", "-blockdev", "driver=\(image),node-name=n0",
        "-device", "virtio-blk-pci,drive=n0,id=disk0",
      ], prepare: prepare)
    let machine = try await GuestMachine.inspect(try await emulator.connect())
    return try #require(machine.devices.first).contentBytes
  }

  @Test(arguments: ["raw", "qcow2"])
  func `a sparse image needs what it has allocated`(format: String) async throws {
    let bytes = try await bytes(
      "qemu-img create -q -f \(format) a 64M; qemu-io -f \(format) -c 'write 8M 4M' a >/dev/null",
      "\(format),file.driver=file,file.filename=a")
    #expect((4 * Self.megabyte..<6 * Self.megabyte).contains(bytes), "\(bytes)")
  }

  @Test func `an overlay needs what all of its chain has allocated`() async throws {
    let bytes = try await bytes(
      """
      qemu-img create -q -f qcow2 base 64M; qemu-io -f qcow2 -c 'write 8M 4M' base >/dev/null
      qemu-img create -q -f qcow2 -b base -F qcow2 a; qemu-io -f qcow2 -c 'write 0 2M' a >/dev/null
      """, "qcow2,file.driver=file,file.filename=a")
    #expect((6 * Self.megabyte..<9 * Self.megabyte).contains(bytes), "\(bytes)")
  }

  @Test func `a compressed image may need all of its size`() async throws {
    let bytes = try await bytes(
      """
      qemu-img create -q -f raw x 64M; qemu-io -f raw -c 'write -P 7 0 32M' x >/dev/null
      qemu-img convert -c -f raw -O qcow2 x a
      """, "qcow2,file.driver=file,file.filename=a")
    #expect(bytes == 64 * Self.megabyte)
  }

  @Test func `a format that is not looked into may need all of its size`() async throws {
    let bytes = try await bytes(
      "qemu-img create -q -f vmdk a 64M", "vmdk,file.driver=file,file.filename=a")
    #expect(bytes == 64 * Self.megabyte)
  }

  @Test func `an image that is no qcow2 inside counts with all of its size`() async throws {
    let files = try Scratch()
    try await files.shell("head -c 4K /dev/urandom >a")
    let level = ImageLevel(file: files.path("a"), format: "qcow2")
    #expect(level.contentBytes == nil)
  }
}
