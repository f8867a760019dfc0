import CommandLine
import Glibc
import System
import Testing

/// Archives of Proxmox VE, by the program as a user runs it: plugin in its sandbox.
@Suite(.inTurns) struct VMATests {
  private let scene: VMAScene
  private var trip: RoundTrip { scene.trip }
  private var place: Scratch { scene.place }

  init() throws { scene = try VMAScene() }

  @Test(
    .enabled(if: VMAScene.hasTools, "needs python3 and zstd"), arguments: ["vhost-user", "nbd"],
    ["auto", "off"])
  func `a tee makes a VMA archive and a raw one of the same disks`(
    transport: String, memory: String
  ) async throws {
    try await scene.makeSources()
    let finding = try await trip.run(
      ["backup"] + VMAScene.sources + [
        "--to", "raw=archive", "--to", "vma=x.vma", "--transport", transport,
        "--shared-memory", memory,
      ])
    trip.expectSuccess(finding)
    try await place.shell(
      """
      python3 '\(VMAScene.support)/vma-check' --written x.vma
      cmp a.raw archive/drive-scsi0.raw && cmp b.raw archive/drive-scsi1.raw
      """)
    let listing = try await trip.run(["list", "x.vma"])
    #expect(listing.output.contains("format   vma") && listing.output.contains("drive-scsi1"))
    try await scene.expectRestored("x.vma")
  }

  @Test(
    .enabled(if: VMAScene.hasTools, "needs python3 and zstd"),
    arguments: [("zstd:1", "x.vma.zst", "zstd"), ("gzip", "x.vma.gz", "gzip")])
  func `a compressed archive is made by threads in the sandbox, and read there`(
    option: String, name: String, program: String
  ) async throws {
    try await scene.makeSources()
    let finding = try await trip.run(
      ["backup"] + VMAScene.sources + [
        "--to", "vma=\(name)", "--option", "vma.compress=\(option)", "--option", "vma.proxmox=on",
        "--sandbox", "auto",
      ])
    trip.expectSuccess(finding)
    try await place.shell(
      """
      \(program) -dc \(name) > plain && python3 '\(VMAScene.support)/vma-check' --written plain
      grep -a '^#qmdump#map:scsi0:drive-scsi0:local:raw:$' plain
      """)
    try await scene.expectRestored(name)
  }

  @Test func `a flipped bit of a disk is found by the receipt`() async throws {
    try await scene.makeSources()
    trip.expectSuccess(try await trip.run(["backup"] + VMAScene.sources + ["--to", "vma=x.vma"]))
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

  @Test(
    .enabled(if: VMAScene.hasTools, "needs python3 and zstd"), arguments: ["x.vma", "x.vma.zst"])
  func `an archive that comes backwards is read with a scratch file`(
    name: String
  ) async throws {
    try await scene.makeDisorder()
    try await place.shell("zstd -q x.vma")
    trip.expectUnverified(try await trip.run(["verify", name]))
    trip.expectSuccess(
      try await trip.run(["restore", name, "--to", "restored", "--scratch-dir", "."]))
    try await scene.expectDisorder("restored/d1.raw")
    #expect(try place.names().contains { $0.contains("nameless") } == false)
  }

  @Test(.enabled(if: VMAScene.hasTools && Build.isRoot, "needs root, python3 and zstd"))
  func `a scratch file never takes more than half of what is free`() async throws {
    try await scene.makeDisorder()
    try await place.shell("zstd -q x.vma")
    try await place.shell("mkdir small && mount -t tmpfs -o size=10m none small")
    let finding = try await trip.run(["verify", "x.vma.zst", "--scratch-dir", "small"])
    try await place.shell("umount -l small")
    #expect(finding.status == 74 && finding.errors.contains("--scratch-dir"), "\(finding.errors)")
    let missing = try await trip.run(["verify", "x.vma.zst", "--scratch-dir", "none"])
    #expect(missing.status == 73 && missing.errors.contains("--scratch-dir"))
  }

  @Test(
    .enabled(if: VMAScene.oracles != nil, "oracles: SLUICE_ORACLES names no directory"),
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
    let archive = "\(VMAScene.oracles ?? "")/\(name).vma"
    #expect(try await trip.run(["list", archive]).output.contains("qemu-server.conf"))
    let verified = try await trip.run(["verify", archive])
    trip.expectUnverified(verified)
    #expect(verified.errors.contains("it has no receipt"))
    trip.expectSuccess(try await trip.run(["restore", archive, "--to", "restored"]))
    for (disk, digest) in digests {
      #expect(try await place.shell("sha256sum < restored/\(disk).raw").hasPrefix(digest))
    }
  }

  @Test(arguments: ["none", "zstd"], [SIGKILL, SIGTERM])
  func `a backup that is stopped leaves no archive`(
    compression: String, signal: Int32
  ) async throws {
    try await trip.expectNothingStopped(
      format: "vma", options: ["compress=\(compression)"], by: signal)
  }
}
