import CommandLine
import Glibc
import System
import Testing

/// Archives of Proxmox VE, by the program as a user runs it: plugin in its sandbox.
@Suite(.inTurns) struct VMATests {
  private static let mebi: Int64 = 1 << 20
  private static let support =
    #filePath.split(separator: "/").dropLast(2).reduce("") { "\($0)/\($1)" } + "/Support"
  static let hasTools = Build.has("python3") && Build.has("zstd")
  static let oracles = getenv("SLUICE_ORACLES").map { String(cString: $0) + "/vma" }

  private let trip: RoundTrip
  private var place: Scratch { trip.place }

  init() throws { trip = try RoundTrip() }

  /// Two disks with holes, zeros and noise, and a configuration.
  private func makeSources() async throws {
    try place.makeSparse(
      "a.raw", bytes: 20 * Self.mebi,
      data: [(0, 3 << 20), (5 << 20 | 4096, 4096), (11 << 20, 70_000), (20 << 20 - 512, 512)])
    try place.write("a.raw", [UInt8](repeating: 0, count: 64 << 10), at: 1 << 20)
    try place.makeSparse("b.raw", bytes: 5 * Self.mebi + 512, data: [(1 << 20, 4 << 20 | 512)])
    try place.write("qemu-server.conf", Array("cores: 2\nscsi0: local:vm-1-disk-0\n".utf8))
  }

  private let sources = [
    "--image", "drive-scsi0=a.raw", "--image", "drive-scsi1=b.raw", "--config", "qemu-server.conf",
  ]

  /// Restores and compares with the sources.
  private func expectRestored(_ archive: String) async throws {
    let verified = try await trip.run(["verify", archive])
    trip.expectSuccess(verified)
    #expect(verified.output.contains("every byte is what its receipt says"))
    trip.expectSuccess(try await trip.run(["restore", archive, "--to", "restored"]))
    try await place.shell(
      """
      cmp a.raw restored/drive-scsi0.raw && cmp b.raw restored/drive-scsi1.raw
      cmp qemu-server.conf restored/qemu-server.conf
      """)
    #expect(try place.names().contains { $0.contains("sluice-") } == false)
  }

  @Test(
    .enabled(if: hasTools, "needs python3 and zstd"), arguments: ["vhost-user", "nbd"],
    ["auto", "off"])
  func `a tee makes a VMA archive and a raw one of the same disks`(
    transport: String, memory: String
  ) async throws {
    try await makeSources()
    let finding = try await trip.run(
      ["backup"] + sources + [
        "--to", "raw=archive", "--to", "vma=x.vma", "--transport", transport,
        "--shared-memory", memory,
      ])
    trip.expectSuccess(finding)
    try await place.shell(
      """
      python3 '\(Self.support)/vma-check' --written x.vma
      cmp a.raw archive/drive-scsi0.raw && cmp b.raw archive/drive-scsi1.raw
      """)
    let listing = try await trip.run(["list", "x.vma"])
    #expect(listing.output.contains("format   vma") && listing.output.contains("drive-scsi1"))
    try await expectRestored("x.vma")
  }

  @Test(
    .enabled(if: hasTools, "needs python3 and zstd"),
    arguments: [("zstd:1", "x.vma.zst", "zstd"), ("gzip", "x.vma.gz", "gzip")])
  func `a compressed archive is made by threads in the sandbox, and read there`(
    option: String, name: String, program: String
  ) async throws {
    try await makeSources()
    let finding = try await trip.run(
      ["backup"] + sources + [
        "--to", "vma=\(name)", "--option", "vma.compress=\(option)", "--option", "vma.proxmox=on",
        "--sandbox", "auto",
      ])
    trip.expectSuccess(finding)
    try await place.shell(
      """
      \(program) -dc \(name) > plain && python3 '\(Self.support)/vma-check' --written plain
      grep -a '^#qmdump#map:scsi0:drive-scsi0:local:raw:$' plain
      """)
    try await expectRestored(name)
  }

  @Test func `a flipped bit of a disk is found by the receipt`() async throws {
    try await makeSources()
    trip.expectSuccess(try await trip.run(["backup"] + sources + ["--to", "vma=x.vma"]))
    try place.flip("x.vma", at: try place.status("x.vma").size - 5000)
    let finding = try await trip.run(["verify", "x.vma"])
    #expect(finding.status == 65 && finding.errors.contains("digest"), "\(finding.errors)")
    #expect(try await trip.run(["restore", "x.vma", "--to", "restored"]).status == 65)
    #expect(!place.exists("restored"))
  }

  @Test func `an image of odd bytes is refused before it is read`() async throws {
    try place.makeSparse("a.raw", bytes: 1_000_000)
    let finding = try await trip.run(["backup", "--image", "d=a.raw", "--to", "vma=x.vma"])
    #expect(finding.status != 0 && finding.errors.contains("multiple of 512"), "\(finding.errors)")
    #expect(try place.names() == ["a.raw"])
  }

  /// An archive whose clusters come backwards: 24 MiB of them do not fit into memory.
  private func makeBackwards() async throws {
    try await place.shell(
      """
      cat > make.py <<'END'
      import hashlib, struct, sys
      names, size = b"\\x02\\x00d\\x00", 24 << 20
      head = bytearray(12288 + 512)
      struct.pack_into(">4sI16sQ16sIII", head, 0, b"VMA\\0", 1, b"u" * 16, 0, b"", 12288, 5, 12800)
      struct.pack_into(">IIQ", head, 4096 + 32, 1, 0, size)
      head[12289:12293] = names
      head[32:48] = hashlib.md5(head).digest()
      sys.stdout.buffer.write(head)
      for cluster in reversed(range(size >> 16)):
          extent = bytearray(512)
          struct.pack_into(">4sHH16s16sQ", extent, 0, b"VMAE", 0, 16, b"u" * 16, b"",
                           0xFFFF << 48 | 1 << 32 | cluster)
          extent[24:40] = hashlib.md5(extent).digest()
          sys.stdout.buffer.write(extent + struct.pack(">Q", cluster) * 8192)
      END
      python3 make.py > x.vma && zstd -q x.vma
      """)
  }

  private let digestOfBackwards =
    """
    python3 -c 'import sys, struct
    for c in range(384): sys.stdout.buffer.write(struct.pack(">Q", c) * 8192)' > expected
    """

  @Test(.enabled(if: hasTools, "needs python3 and zstd"), arguments: ["x.vma", "x.vma.zst"])
  func `an archive that comes backwards is read with a scratch file`(
    name: String
  ) async throws {
    try await makeBackwards()
    trip.expectSuccess(try await trip.run(["verify", name]))
    trip.expectSuccess(
      try await trip.run(["restore", name, "--to", "restored", "--scratch-dir", "."]))
    try await place.shell("\(digestOfBackwards) && cmp expected restored/d.raw")
    #expect(try place.names().contains { $0.contains("nameless") } == false)
  }

  @Test(.enabled(if: hasTools && Build.isRoot, "needs root, python3 and zstd"))
  func `a scratch file never takes more than half of what is free`() async throws {
    try await makeBackwards()
    try await place.shell("mkdir small && mount -t tmpfs -o size=10m none small")
    let finding = try await trip.run(["verify", "x.vma.zst", "--scratch-dir", "small"])
    try await place.shell("umount -l small")
    #expect(finding.status != 0 && finding.errors.contains("scratch"), "\(finding.errors)")
    let missing = try await trip.run(["verify", "x.vma.zst", "--scratch-dir", "none"])
    #expect(missing.status == 73 && missing.errors.contains("--scratch-dir"))
  }

  @Test(
    .enabled(if: oracles != nil, "oracles: SLUICE_ORACLES names no directory"),
    arguments: [
      ("config-only", [:]),
      (
        "one-disk-70-clusters",
        ["drive-scsi0": "9bb3e78bcc2eb54bd19495aabfa066cd91c0b2fa3855103a6ea2c49de749d330"]
      ),
      (
        "two-disks",
        [
          "drive-scsi0": "32c5fdc043edae997d811125b3ab9788b0bf659fe3d6bc81d0c98662d9fe97c9",
          "drive-scsi1": "a164e02a5e55e47446b00a83e172751f5a387ebc392d3c52923244b278f5295b",
        ]
      ),
    ] as [(String, [String: String])])
  func `a genuine archive is listed, verified and restored to its digests`(
    name: String, digests: [String: String]
  ) async throws {
    let archive = "\(Self.oracles ?? "")/\(name).vma"
    #expect(try await trip.run(["list", archive]).output.contains("qemu-server.conf"))
    let verified = try await trip.run(["verify", archive])
    trip.expectSuccess(verified)
    #expect(verified.output.contains("structure only"))
    trip.expectSuccess(try await trip.run(["restore", archive, "--to", "restored"]))
    for (disk, digest) in digests {
      #expect(try await place.shell("sha256sum < restored/\(disk).raw").hasPrefix(digest))
    }
  }

  @Test(arguments: ["none", "zstd"], [SIGKILL, SIGTERM])
  func `a backup that is stopped leaves no archive`(
    compression: String, signal: Int32
  ) async throws {
    try place.makeSparse("a.raw", bytes: 64 * Self.mebi, data: [(0, 60 << 20)])
    let program = try startSluice(
      [
        "backup", "--image", "d=a.raw", "--to", "vma=x.vma", "--rate-limit", "20M", "--json",
        "--option", "vma.compress=\(compression)",
      ], in: place.directory)
    try #require(try await program.says("planned"))
    try await Task.sleep(for: .milliseconds(700))
    program.send(signal)
    let finding = try await program.finding()
    #expect(finding.status != 0 && finding.left == [])
    #expect(!place.exists("x.vma") && !place.exists("x.vma.sluice.json"))
  }
}
