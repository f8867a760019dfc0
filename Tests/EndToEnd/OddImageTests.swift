import CommandLine
import Glibc
import System
import Testing

/// Images that can be read, but may not hold what was meant: a warning, or with `--strict` an end.
@Suite(.inTurns) struct OddImageTests {
  private let place: Scratch

  init() throws { place = try Scratch() }

  private func back(_ image: String, _ more: [String] = []) async throws -> Finding {
    let finding = try await sluice(
      ["backup", "--image", "d=\(image)", "--to", "raw=m"] + more, in: place.directory)
    try await place.shell("rm -rf m")
    return finding
  }

  private func expectWarning(_ image: String, _ words: String...) async throws {
    let told = try await back(image)
    #expect(told.status == 0, "\(told.errors)")
    let refused = try await back(image, ["--strict"])
    #expect(refused.status == 65, "\(refused.errors)")
    #expect(!place.exists("m"))
    for word in words {
      #expect(told.errors.contains(word), "\(told.errors)")
      #expect(refused.errors.contains(word), "\(refused.errors)")
    }
  }

  @Test func `a file called raw that begins like another format is told, and strict refuses it`()
    async throws
  {
    try await place.shell(
      """
      qemu-img create -q -f qcow2 -u -b base.qcow2 -F qcow2 cloud.img 1M && \
      qemu-img create -q -f vmdk v.raw 1M && qemu-img create -q -f qcow2 alone.img 1M
      """)
    try await expectWarning("cloud.img", "looks like qcow2 with a backing file", "format=qcow2")
    try await expectWarning("alone.img", "looks like qcow2; specify format=qcow2 or format=raw")
    try await expectWarning("v.raw", "looks like vmdk")
    let said = try await back("cloud.img,format=raw", ["--strict"])
    #expect(said.status == 0 && !said.errors.contains("looks like"), "\(said.errors)")
  }

  @Test func `a truncated or corrupt image is told, and strict refuses it`() async throws {
    try await place.shell(
      """
      head -c 1048576 /dev/zero | tr '\\0' x > a.raw && \
      qemu-img convert -f raw -O qcow2 a.raw whole.qcow2 && cp whole.qcow2 cut.qcow2 && \
      truncate -s 307200 cut.qcow2 && cp whole.qcow2 marked.qcow2 && \
      printf '\\002' | dd of=marked.qcow2 bs=1 seek=79 conv=notrunc status=none && \
      qemu-img create -q -f qcow2 -b cut.qcow2 -F qcow2 over.qcow2
      """)
    let whole = try await back("whole.qcow2", ["--strict"])
    #expect(whole.status == 0 && !whole.errors.contains("truncated"), "\(whole.errors)")
    try await expectWarning("cut.qcow2", "cut.qcow2 is truncated", "are beyond its end")
    try await expectWarning("over.qcow2", "cut.qcow2 is truncated")
    try await expectWarning("marked.qcow2", "marked.qcow2 is marked as corrupt")
  }

  @Test(arguments: [
    "", "-o cluster_size=512", "-o cluster_size=2M", "-o refcount_bits=1", "-o refcount_bits=64",
    "-o compat=0.10", "-c", "-o preallocation=metadata", "-o preallocation=full",
    "-o extended_l2=on,cluster_size=128k",
  ])
  func `a sound image of any shape is not called truncated`(options: String) async throws {
    try await place.shell(
      """
      head -c 3000000 /dev/urandom > a.raw && truncate -s 9M a.raw && \
      qemu-img convert -f raw -O qcow2 \(options) a.raw d.qcow2 && \
      qemu-img create -q -f qcow2 \(options == "-c" ? "" : options) empty.qcow2 1G
      """)
    for image in ["d.qcow2", "empty.qcow2"] {
      let finding = try await back(image, ["--strict", "--digest", "none"])
      #expect(finding.status == 0, "\(image): \(finding.errors)")
    }
  }

  private static let oracles = getenv("SLUICE_ORACLES").map { String(cString: $0) + "/cases" }

  @Test(
    .enabled(if: oracles != nil, "oracles: SLUICE_ORACLES names no directory"),
    arguments: [
      ("cor.qcow2", "marked as corrupt"), ("t.qcow2", "is truncated"),
      ("cloud.img", "looks like qcow2"),
    ])
  func `images that others found in the wild are told`(name: String, words: String) async throws {
    try await expectWarning("\(Self.oracles ?? "")/\(name)", words)
  }

  @Test(.enabled(if: Build.isRoot, "root attaches loop devices"))
  func `a disk that is mounted, or attached elsewhere, is told`() async throws {
    try await place.shell("truncate -s 8M d.raw && mke2fs -q -F d.raw && mkdir at")
    let device = String(
      try await place.shell("losetup -f --show d.raw").prefix { $0 != "\n" })
    do {
      try await expectWarning("d.raw", "attached to \(device)")
      let alone = try await back(device, ["--strict"])
      #expect(alone.status == 0, "\(alone.errors)")
      try await place.shell("mount \(device) at")
      try await expectWarning(device, "mounted, or part of another device")
      try await place.shell("umount -l at")
    } catch {
      try await place.shell("umount -l at; losetup -d \(device)")
      throw error
    }
    try await place.shell("losetup -d \(device)")
  }
}
