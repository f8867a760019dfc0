import CommandLine
import Glibc
import Testing

/// What an appliance cannot be is refused before anything is copied, and importers notice damage.
@Suite(.inTurns, .enabled(if: OVAScene.hasTools, "needs tar, bsdtar, 7z, python3 and qemu-img"))
struct OVARefusalTests {
  private let scene: OVAScene
  private var place: Scratch { scene.place }

  init() throws { scene = try OVAScene() }

  @Test(arguments: [
    ("ova=x.ova", "ova.compress=zstd", "has no option"),
    ("ova=x.ova", "ova.sha256sums=on", "has no option"),
    ("tar=x.ova", "tar.level=1", "has no option"),
    ("tar=x.ova", "tar.disk-format=qcow2", "has no option"),
    ("ova=|cat > /dev/null", "ova.level=1", "| zstd"),
  ])
  func `an option that means nothing here is refused`(
    output: String, option: String, words: String
  ) async throws {
    try place.makeSparse("d.raw", bytes: 1 << 20, data: [(0, 4096)])
    try await scene.expectRefusal(
      ["--image", "d=d.raw", "--to", output, "--option", option], status: 64, says: words)
  }

  @Test func `a qcow2 image is not compressed, and numbers end at 9`() async throws {
    try place.makeSparse("d.raw", bytes: 1 << 20, data: [(0, 4096)])
    let arguments = ["--image", "d=d.raw", "--to", "ova=x.ova", "--option"]
    try await scene.expectRefusal(
      arguments + ["ova.level=1", "--option", "ova.disk-format=qcow2"], status: 64,
      says: "not compressed")
    try await scene.expectRefusal(arguments + ["ova.level=10"], status: 64, says: "level")
    try await scene.expectRefusal(arguments + ["ova.disk-format=raw"], status: 64, says: "vmdk")
  }

  @Test(arguments: [(1000, "vmdk"), (1000, "qcow2"), (0, "vmdk")])
  func `a disk that is no multiple of sectors is refused`(size: Int64, end: String) async throws {
    try place.makeSparse("d.raw", bytes: size, data: [])
    try await scene.expectRefusal(
      ["--image", "d=d.raw", "--to", "ova=x.ova", "--option", "ova.disk-format=\(end)"],
      status: 69, says: "not a multiple of 512: \(size) bytes")
  }

  @Test func `a disk of more than 62 TiB is refused`() async throws {
    try await place.shell("qemu-img create -q -f qcow2 -o cluster_size=2M d.qcow2 63T")
    try await scene.expectRefusal(
      ["--image", "d=d.qcow2", "--to", "ova=x.ova"], status: 69, says: "62 TiB")
  }

  @Test(.enabled(if: Build.has("virt-v2v"), "needs virt-v2v"), arguments: ["file", "pipe"])
  func `virt-v2v imports an appliance, and notices a flipped byte`(kind: String) async throws {
    try place.makeSparse("d.raw", bytes: 9 << 20, data: [(0, 3 << 20)])
    let target = kind == "file" ? "ova=x.ova" : "'ova=|cat > x.ova'"
    try await place.shell(
      """
      '\(Build.directory)/sluice' backup --quiet --vm-name web --image d=d.raw --to \(target)
      LC_ALL=C virt-v2v -i ova x.ova --print-source > source 2>&1 && cat source
      grep 'source name: web' source && grep '0 .scsi.$' source
      """)
    try place.flip("x.ova", at: 120_000)
    try await place.shell("! virt-v2v -i ova x.ova --print-source")
  }

  private static let cot = getenv("SLUICE_COT").map { String(cString: $0) }

  @Test(.enabled(if: cot != nil, "cot: SLUICE_COT names no program"))
  func `cot reads an appliance`() async throws {
    try place.makeSparse("d.raw", bytes: 9 << 20, data: [(0, 3 << 20)])
    try place.write("vm.conf", Array("memory: 512".utf8))
    try await scene.backUp(["d=d.raw"], ["--config", "vm.conf"])
    // It takes digests of OVF 1 for SHA-1, and says so without failing.
    try await place.shell(
      """
      '\(Self.cot ?? "")' info x.ova > said
      grep '^ *vm.conf *11 B' said && grep '^ *d.vmdk *9 MiB *harddisk @ SCSI 0:0' said
      """)
  }
}
