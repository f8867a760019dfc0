import CommandLine
import Glibc
import Testing

/// Archives as other programs have made them, each odd in its way; what they must give is in the
/// README beside them. Those of images are in ``OddImageTests``.
@Suite(.inTurns, .enabled(if: cases != nil, "oracles: SLUICE_ORACLES has no cases"))
struct `An odd archive of another program` {
  private let scene: VMAScene
  private var place: Scratch { scene.place }

  init() throws { scene = try VMAScene() }

  private let directory: String = cases ?? ""

  /// Runs a verb on an archive: the status and, among other words, these.
  private func expect(
    _ verb: String, _ name: String, status: Int, says words: String
  ) async throws {
    let text = try await scene.shell("sluice \(verb) '\(directory)/\(name)' 2>&1")
    #expect(text.contains(words) && text.hasSuffix("= \(status)\n"), "\(verb) \(name): \(text)")
  }

  @Test(arguments: [
    ("a1-mixed.ova", 0, ""), ("a1-self.ova", 0, "digest of itself: not checked"),
    // Without a manifest nothing proves the disk.
    ("a2-href-pct.ova", 1, ""), ("a3-cap-param.ova", 1, "no valid capacity"),
    ("a3-macos-dotunderscore.ova", 1, "\"._disk1.vmdk\""), ("a3-vsc-one.ova", 1, ""),
  ])
  func `is verified, and restored to what QEMU reads of its VMDK`(
    name: String, status: Int, words: String
  ) async throws {
    try await expect("verify", name, status: status, says: words)
    let archive = "'\(directory)/\(name)'"
    try await scene.expectShell(
      """
      sluice restore \(archive) --to out && tar -xf \(archive) --wildcards '*disk*1.vmdk' &&
      rm -f ._* && qemu-img compare -f vmdk -F raw *disk*.vmdk out/*.raw
      """)
  }

  @Test func `with a qcow2 image of zstd is restored to what QEMU reads of it`() async throws {
    try await scene.expectShell(
      """
      sluice restore '\(directory)/a4-qcow2-zstd.ova' --to out &&
      tar -xf '\(directory)/a4-qcow2-zstd.ova' disk1.qcow2 &&
      qemu-img compare -f qcow2 -F raw disk1.qcow2 out/*.raw
      """)
  }

  @Test func `of pzstd is restored`() async throws {
    let archive = "'\(directory)/pzstd.tar.zst'"
    try await scene.expectShell(
      """
      sluice restore \(archive) --to out && mkdir in &&
      zstd -dc \(archive) | tar -xSf - -C in && ls out/*.raw &&
      for disk in out/*.raw; do cmp $disk in/$(basename $disk) || exit 1; done
      """)
  }

  @Test func `with a configuration that has the name of its disk gives both`() async throws {
    let name = "config-device-same-name.vma"
    try await expect("list", name, status: 0, says: "it is listed as \"drive-scsi0.conf\"")
    try await expect("verify", name, status: 1, says: "not verified")
    try await scene.expectShell(
      """
      sluice restore '\(directory)/\(name)' --to out &&
      test "$(stat -c %s out/drive-scsi0.raw out/drive-scsi0.conf | paste -sd' ')" = '262144 1'
      """)
  }

  @Test func `whose configuration would be the file of its disk says what to do`() async throws {
    let name = "config-named-disk.raw.vma"
    let words = "--disk drive-scsi0=PATH or --skip drive-scsi0.raw"
    for verb in ["list", "verify"] {
      try await expect(verb, name, status: verb == "list" ? 0 : 1, says: words)
    }
    try await expect("restore --to out", name, status: 64, says: words)
    try await scene.expectShell(
      """
      test ! -e out && sluice restore '\(directory)/\(name)' --to out --disk drive-scsi0=d.raw &&
      test "$(stat -c %s d.raw out/drive-scsi0.raw | paste -sd' ')" = '262144 1' &&
      sluice restore '\(directory)/\(name)' --to disk --skip drive-scsi0.raw &&
      cmp d.raw disk/drive-scsi0.raw
      """)
  }

  @Test func `with the machine's memory gives it, with its zeros`() async throws {
    let name = "vmstate.vma"
    try await expect("list", name, status: 0, says: "vmstate  vmstate      384.5 KiB")
    try place.write("memory.py", Array(Self.memory.utf8))
    try await scene.expectShell(
      """
      sluice restore '\(directory)/\(name)' --to out &&
      python3 memory.py '\(directory)/\(name)' 393728 > expected && cmp expected out/vmstate.bin &&
      sluice restore - --format vma --to piped < '\(directory)/\(name)' && diff -r out piped &&
      sluice restore '\(directory)/\(name)' --disk drive-scsi0=d.raw &&
      cmp d.raw out/drive-scsi0.raw &&
      sluice convert '\(directory)/\(name)' --to tar=x.tar && sluice restore x.tar --to tar &&
      diff -r out tar
      """)
  }

  /// The bytes of device 1, by the format's description.
  private static let memory = """
    import struct, sys
    archive, size = open(sys.argv[1], "rb").read(), int(sys.argv[2])
    memory, place = bytearray(size + 65535), int.from_bytes(archive[56:60], "big")
    while place < len(archive):
        block = place + 512
        for slot in struct.unpack(">59Q", archive[place + 40:place + 512]):
            for bit in range(16):
                if slot >> 48 >> bit & 1:
                    start = (slot & 0xFFFFFFFF) * 65536 + bit * 4096
                    if slot >> 32 & 255 == 1:
                        memory[start:start + 4096] = archive[block:block + 4096]
                    block += 4096
        place = block
    sys.stdout.buffer.write(memory[:size])
    """

  @Test(arguments: [
    ("a4-own-truncated.ova", 65, "\"disk1.vmdk\": the VMDK is truncated: it has no footer"),
    ("b1.vma.lzo", 69, "compressed with lzop"),
    ("ova-manifest-kind.ova", 65, "the manifest (.mf) is damaged"),
    ("o-head0.tar", 65, "starts with zeros"),
  ])
  func `that cannot be read says why`(name: String, status: Int, words: String) async throws {
    for verb in ["verify", "list", "restore --to out"] {
      try await expect(verb, name, status: status, says: words)
    }
  }

  @Test func `of ours that lacks a closing block is cut off`() async throws {
    try await expect("verify", "cut512.tar", status: 65, says: "one block of zeros instead of two")
    try await expect("restore --to out", "cut512.tar", status: 65, says: "cut off")
  }

  @Test func `is never one that no test looks at`() async throws {
    let tests = #filePath.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
    try await scene.expectShell(
      """
      for name in $(ls '\(directory)' | grep -v README.md); do
        (cd '\(tests)' && grep -qF "$name" ForeignCaseTests.swift OddImageTests.swift) ||
          { echo $name; exit 1; }
      done
      """)
  }
}

private let cases: String? = {
  guard let root = getenv("SLUICE_ORACLES").map({ String(cString: $0) }),
    access(root + "/cases", R_OK) == 0
  else { return nil }
  return root + "/cases"
}()
