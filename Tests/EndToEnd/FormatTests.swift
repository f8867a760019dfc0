import CommandLine
import System
import Testing

/// Every format a disk comes in, back to the byte.
@Suite(.inTurns) struct FormatTests {
  private static let mebi: Int64 = 1 << 20

  /// 20 MiB with data in odd places, a sparse middle and a zeroed cluster that is data.
  private func makeContent(_ place: Scratch) throws {
    try place.makeSparse(
      "content.raw", bytes: 20 * Self.mebi,
      data: [(0, 3 << 20), (5 << 20 | 4096, 4096), (11 << 20, 70_000), (20 << 20 - 512, 512)])
    try place.write("content.raw", [UInt8](repeating: 0, count: 64 << 10), at: 1 << 20)
  }

  @Test(
    arguments: ["raw", "qcow2", "vmdk", "vdi", "vhdx", "vpc"],
    ["vhost-user", "nbd"])
  func `an image comes back whole`(format: String, transport: String) async throws {
    var trip = try RoundTrip()
    trip.arguments = ["--transport", transport]
    try makeContent(trip.place)
    try await trip.place.shell("qemu-img convert -f raw -O \(format) content.raw disk.\(format)")
    try await trip.backUp(["d=disk.\(format),format=\(format)"])
    try await trip.expectRestored([("d", "disk.\(format)", format)])
  }

  @Test(arguments: ["auto", "off"], ["vhost-user", "nbd"])
  func `compressed clusters come back whole`(memory: String, transport: String) async throws {
    var trip = try RoundTrip()
    trip.arguments = ["--transport", transport, "--shared-memory", memory]
    try makeContent(trip.place)
    try await trip.place.shell("qemu-img convert -c -f raw -O qcow2 content.raw disk.qcow2")
    try await trip.backUp(["d=disk.qcow2"])
    try await trip.expectRestored([("d", "disk.qcow2", "qcow2")])
  }

  @Test func `an overlay comes back with what lies below it`() async throws {
    let trip = try RoundTrip()
    try makeContent(trip.place)
    try await trip.place.shell(
      """
      qemu-img convert -f raw -O qcow2 content.raw base.qcow2
      qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 middle.qcow2
      qemu-img create -q -f qcow2 -b middle.qcow2 -F qcow2 top.qcow2 24M
      qemu-io -c 'write -P 7 2M 300k' -c 'write -z 64k 64k' middle.qcow2
      qemu-io -c 'write -P 9 2100k 4k' -c 'write -zu 11M 64k' -c 'write -P 3 23M 1M' top.qcow2
      """)
    try await trip.backUp(["d=top.qcow2"])
    try await trip.expectRestored([("d", "top.qcow2", "qcow2")])
  }

  @Test func `zero clusters are neither read nor stored`() async throws {
    let trip = try RoundTrip()
    try await trip.place.shell(
      """
      qemu-img create -q -f qcow2 disk.qcow2 64M
      qemu-io -c 'write -P 1 0 64M' -c 'write -z 1M 60M' -c 'write -zu 62M 1M' disk.qcow2
      """)
    let finding = try await trip.backUp(["d=disk.qcow2"])
    #expect(finding.output.contains("3.0 MiB of data"), "\(finding.output)")
    try await trip.expectRestored([("d", "disk.qcow2", "qcow2")])
    #expect(try trip.place.status("archive/d.raw").storedBytes == 3 << 20)
    #expect(try trip.place.status("restored/d.raw").storedBytes == 3 << 20)
  }

  @Test func `three disks and two configurations travel in one job`() async throws {
    let trip = try RoundTrip()
    try makeContent(trip.place)
    try await trip.place.shell(
      """
      qemu-img convert -f raw -O qcow2 content.raw a.qcow2
      qemu-img convert -f raw -O vmdk content.raw b.vmdk
      printf 'cores: 2\\n' > vm.conf; : > empty.conf
      """)
    let finding = try await trip.run(
      [
        "backup", "--image", "drive-scsi0=a.qcow2", "--image", "drive-scsi1=b.vmdk",
        "--image", "efi=content.raw", "--config", "vm.conf", "--config", "empty.conf",
        "--to", "raw=archive", "--vm-name", "web",
      ])
    trip.expectSuccess(finding)
    try await trip.expectRestored(
      [
        ("drive-scsi0", "a.qcow2", "qcow2"), ("drive-scsi1", "b.vmdk", "vmdk"),
        ("efi", "content.raw", "raw"),
      ])
    try await trip.place.shell("cmp vm.conf restored/vm.conf && cmp empty.conf restored/empty.conf")
    let listing = try await trip.run(["list", "archive"]).output
    for word in ["drive-scsi0", "drive-scsi1", "efi", "vm.conf", "empty.conf", "web", "20.0 MiB"] {
      #expect(listing.contains(word), "\(listing)")
    }
  }
}
