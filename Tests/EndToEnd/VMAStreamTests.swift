import CommandLine
import System
import Testing

/// Archives of Proxmox VE that go to pipes and commands, and come from pipes.
@Suite(.inTurns, .enabled(if: VMAScene.hasTools, "needs python3 and zstd"))
struct VMAStreamTests {
  private let scene: VMAScene
  private var place: Scratch { scene.place }

  init() throws { scene = try VMAScene() }

  /// `sluice backup` of the sources, for the shell.
  private let backup = "sluice backup --quiet " + VMAScene.sources.joined(separator: " ")

  // Writing

  @Test(
    arguments: ["> out", "| cat > out"],
    [("none", "cat"), ("zstd:1", "zstd"), ("gzip", "gzip")])
  func `an archive is written to standard output`(
    to: String, compression: (option: String, program: String)
  ) async throws {
    try await scene.makeSources()
    let program = compression.program == "cat" ? "cat" : "\(compression.program) -dc"
    try await scene.expectShell(
      """
      \(backup) --option vma.compress=\(compression.option) --to vma=- \(to) &&
      \(program) < out > x.vma && python3 '\(VMAScene.support)/vma-check' --written x.vma &&
      sluice restore x.vma --to restored
      """)
    try await scene.expectSources("restored")
    #expect(try !place.names().contains { $0.hasSuffix(".sluice.json") })
  }

  @Test func `a command compresses an archive`() async throws {
    try await scene.makeSources()
    try await scene.expectShell(
      """
      \(backup) --to 'vma=|zstd -q -o x.vma.zst' --to vma:b=y.vma && zstd -dc x.vma.zst > x.vma &&
      python3 '\(VMAScene.support)/vma-check' --written x.vma &&
      { sluice verify x.vma.zst; test $? = 1; } && sluice restore x.vma.zst --to restored &&
      sluice verify y.vma
      """)
    try await scene.expectSources("restored")
  }

  @Test(arguments: [
    ("head -c 9 > /dev/null", "it exited with status 0 before the end of the archive"),
    ("zstd -q -o none/x.vma.zst", "it exited with status 1"),
    ("cat > /dev/null; exit 3", "it exited with status 3 after the end of the archive"),
  ])
  func `a command that fails an archive fails it alone`(
    command: String, words: String
  ) async throws {
    try await scene.makeSources()
    let arguments = ["backup"] + VMAScene.sources + ["--to", "vma=|\(command)"]
    let alone = try await scene.trip.run(arguments)
    #expect(alone.status == 74 && alone.errors.contains(words), "\(alone.errors)")
    #expect(alone.left == [])
    let both = try await scene.trip.run(arguments + ["--to", "vma:b=x.vma"])
    #expect(both.status == 75 && both.errors.contains(words), "\(both.errors)")
    #expect(both.left == [])
    try await scene.expectRestored("x.vma")
  }

  @Test func `a name of Proxmox is made of machine and instant`() async throws {
    try await scene.makeSources()
    let finding = try await scene.trip.run(
      ["backup"] + VMAScene.sources + [
        "--vm-id", "101", "--to", "vma=vzdump-qemu-{vmid}-{time}.vma.zst",
        "--option", "vma.compress=zstd:1", "--option", "vma.proxmox=on",
      ])
    scene.trip.expectSuccess(finding)
    let name = try #require(try place.names().first { $0.hasSuffix(".vma.zst") })
    #expect(name.wholeMatch(of: /vzdump-qemu-101-\d{4}(_\d\d){2}-\d\d(_\d\d){2}\.vma\.zst/) != nil)
    try await place.shell(
      "zstd -dc \(name) | grep -qa '^#qmdump#map:scsi1:drive-scsi1:[a-z]*:raw:$'")
    try await scene.expectRestored(name)
    let unnamed = try await scene.trip.run(
      ["backup"] + VMAScene.sources + ["--to", "vma={vmid}.vma", "--option", "vma.proxmox=on"])
    #expect(unnamed.status == 64 && unnamed.errors.contains("{vmid}"), "\(unnamed.errors)")
  }

  // Reading

  /// Ways for an archive to come; what is compressed tells its format to nobody.
  static let ways = [
    ("< x.vma", ""), ("cat x.vma |", ""), ("cat x.vma |", "--format vma"),
    ("< x.vma.zst", "--format vma"), ("cat x.vma.zst |", "--format vma"),
    ("< x.vma.gz", "--format vma"), ("cat x.vma.gz |", "--format vma"),
    ("{ head -c 3 x.vma.zst; sleep 0.3; tail -c +4 x.vma.zst; } |", "--format vma"),
  ]

  @Test(arguments: ways)
  func `an archive of Proxmox is read from standard input`(
    before: String, option: String
  ) async throws {
    try await scene.makeArchive()
    try await place.shell("zstd -q -k x.vma && gzip -1 -k x.vma")
    let listed = try await scene.expectShell("\(before) sluice list - \(option)")
    #expect(listed.contains("drive-scsi1") && listed.contains("qemu-server.conf"), "\(listed)")
    let verified = try await scene.shell("\(before) sluice verify - \(option)")
    #expect(verified.contains("standard input is not verified"), "\(verified)")
    #expect(verified.contains("= 1"), "\(verified)")
    try await scene.expectShell("\(before) sluice restore - --to restored \(option)")
    try await scene.expectSources("restored")
  }

  @Test(arguments: [
    ("[(1, c) for c in reversed(range(384))]", 1),
    ("[(d, c) for c in range(384) for d in (2, 1)]", 2),
    ("[(2 - c % 2, c // 2 * 7 % 384) for c in range(768)]", 2),
  ])
  func `an archive in any order is read from a pipe`(order: String, disks: Int) async throws {
    try await scene.makeDisorder(disks: disks, order: order)
    for before in ["cat x.vma |", "zstd -qc x.vma |", "gzip -1c x.vma |"] {
      #expect(try await scene.shell("\(before) sluice verify - --format vma").contains("= 1"))
      try await scene.expectShell(
        "\(before) sluice restore - --to restored --format vma --scratch-dir .")
      for disk in 1...disks { try await scene.expectDisorder("restored/d\(disk).raw") }
      try await place.shell("rm -r restored")
    }
  }

  @Test(.enabled(if: VMAScene.oracles != nil, "oracles: SLUICE_ORACLES names no directory"))
  func `a genuine archive is read from a pipe`() async throws {
    let archive = "'\(VMAScene.oracles ?? "")/two-disks.vma'"
    for before in ["cat \(archive) |", "zstd -qc \(archive) |", "gzip -c \(archive) |"] {
      try await scene.expectShell("\(before) sluice restore - --to restored --format vma")
      let digests = try await place.shell("sha256sum < restored/drive-scsi1.raw; rm -r restored")
      #expect(
        digests.hasPrefix("a164e02a5e55e47446b00a83e172751f5a387ebc392d3c52923244b278f5295b"))
    }
  }

  @Test(arguments: [
    ("head -c 99999 x.vma |", "--format vma", 65, "ends"),
    ("head -c -100 x.vma.zst |", "--format vma", 65, "the compressed stream is cut off"),
    ("head -c -100 x.vma.gz |", "--format vma", 65, "the compressed stream is cut off"),
    ("echo else | zstd -qc |", "--format vma", 65, "not a VMA archive"),
    ("head -c 20000 a.raw | gzip -c |", "--format vma", 65, "not a VMA archive"),
    ("{ head -c -100 x.vma.zst; cat a.raw; } |", "--format vma", 65, "decompress"),
    ("printf '\\211LZO\\000\\r\\n' |", "--format vma", 69, "lzop -d < "),
    ("printf '\\211LZO\\000\\r\\n' |", "", 69, "lzop -d < "),
    ("printf '\\211LZO\\000\\r\\n' > l; < l", "", 69, "lzop -d < "),
    ("cat x.vma.zst |", "", 65, "--format"), ("< x.vma.gz", "", 65, "--format"),
    (": |", "--format vma", 65, "the archive ends inside its header"),
    ("{ cat x.vma.zst; echo more; } |", "--format vma", 65, ""),
  ])
  func `what is no whole archive is told from a pipe`(
    before: String, option: String, status: Int, words: String
  ) async throws {
    try await scene.makeArchive()
    try await place.shell("zstd -q -k x.vma && gzip -1 -k x.vma")
    for verb in ["verify -", "restore - --to restored"] {
      let text = try await scene.shell("\(before) sluice \(verb) \(option)")
      #expect(text.contains(words) && text.hasSuffix("= \(status)\n"), "\(text)")
      #expect(!place.exists("restored"))
    }
  }

  @Test(arguments: ["x.vma", "x.vma.zst"])
  func `a disk of an archive of Proxmox becomes a qcow2 image`(name: String) async throws {
    try await scene.makeArchive()
    try await place.shell("zstd -q -k x.vma")
    let disks = "--disk drive-scsi0=a.qcow2 --disk drive-scsi1=b.img,format=qcow2"
    try await scene.expectShell("sluice restore \(name) \(disks) --to rest")
    try await scene.expectShell(
      """
      qemu-img compare -f raw -F qcow2 a.raw a.qcow2 &&
      qemu-img compare -f raw -F qcow2 b.raw b.img && cmp qemu-server.conf rest/qemu-server.conf
      """)
    try await place.shell("rm a.qcow2 b.img; rm -r rest")
    try await scene.expectShell("cat \(name) | sluice restore - --format vma \(disks)")
    try await scene.expectShell("qemu-img compare -f raw -F qcow2 a.raw a.qcow2")
  }
}
