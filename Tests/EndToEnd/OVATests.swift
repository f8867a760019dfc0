import CommandLine
import Glibc
import JSON
import System
import Testing

/// Appliances, by the program as a user runs it: plugin in its sandbox.
@Suite(.inTurns, .enabled(if: OVAScene.hasTools, "needs tar, bsdtar, 7z, python3 and qemu-img"))
struct OVATests {
  private let scene: OVAScene
  private var trip: RoundTrip { scene.trip }
  private var place: Scratch { scene.place }

  init() throws { scene = try OVAScene() }

  /// Two disks with holes, zeros and noise, and configurations.
  private func makeSources() async throws {
    try place.makeSparse(
      "a.raw", bytes: 70 << 20,
      data: [(0, 3 << 20), (5 << 20 | 4096, 4096), (41 << 20, 700_000), (70 << 20 - 512, 512)])
    try place.write("a.raw", [UInt8](repeating: 0, count: 256 << 10), at: 1 << 20)
    try place.makeSparse("b.raw", bytes: 5 << 20 | 512, data: [(1 << 20, 4 << 20 | 512)])
    try place.write("vm.conf", Array("cores: 2\r\nmemory: 512\n".utf8))
    try place.write("notes.ovf", Array("mine".utf8))
  }

  private static let sources = [
    "--image", "scsi0=a.raw", "--image", "größe=b.raw", "--config", "vm.conf", "--config",
    "notes.ovf",
  ]

  private func names(_ end: String, base: String = "Web-server") -> [String] {
    [
      "\(base).ovf", "vm.conf", "config-2", "scsi0.\(end)", "disk-4.\(end)", "receipt.json",
      "\(base).mf",
    ]
  }

  private func expectSources(_ end: String) async throws {
    try await scene.expectDisk("scsi0.\(end)", is: "a.raw")
    try await scene.expectDisk("disk-4.\(end)", is: "b.raw")
    try await place.shell("cmp out/vm.conf vm.conf && cmp out/config-2 notes.ovf")
  }

  @Test(arguments: ["vhost-user", "nbd"], ["auto", "off"])
  func `a tee makes an appliance, a VMA archive and a raw one from one reading`(
    transport: String, memory: String
  ) async throws {
    try await makeSources()
    let finding = try await trip.run(
      ["backup", "--vm-name", "Web server"] + Self.sources + [
        "--to", "vma=x.vma", "--to", "ova=x.ova", "--to", "raw=archive", "--transport", transport,
        "--shared-memory", memory,
      ])
    trip.expectSuccess(finding)
    try await scene.expectMembers(names("vmdk"))
    try await expectSources("vmdk")
    try await place.shell("cmp a.raw archive/scsi0.raw")
    trip.expectSuccess(try await trip.run(["verify", "x.vma"]))
  }

  @Test(arguments: [
    (["ova.level=0"], "vmdk"), (["ova.level=9"], "vmdk"), (["ova.disk-format=qcow2"], "qcow2"),
    (["ova.disk-format=qcow2", "ova.level=0"], "qcow2"),
  ])
  func `disks are stored, deflated or qcow2 images, as options say`(
    options: [String], end: String
  ) async throws {
    try await makeSources()
    trip.expectSuccess(
      try await trip.run(
        ["backup"] + Self.sources + ["--to", "ova=x.ova"] + options.flatMap { ["--option", $0] }))
    try await scene.expectMembers(names(end, base: "machine"))
    try await expectSources(end)
  }

  @Test(arguments: ["vmdk", "qcow2"])
  func `a pipe takes an appliance, whose sizes are told before`(end: String) async throws {
    try await makeSources()
    let words = Self.sources.joined(separator: " ")
    try await place.shell(
      """
      '\(Build.directory)/sluice' backup --quiet --vm-name 'Web server' \(words) --to ova=- \
        --option ova.disk-format=\(end) | cat > x.ova
      """)
    try await scene.expectMembers(names(end))
    try await expectSources(end)
    // Where sizes are known before, the descriptor tells them.
    for name in ["scsi0.\(end)", "disk-4.\(end)", "vm.conf"] {
      let size = try place.status("out/\(name)").size
      try await place.shell("grep 'href=\"\(name)\"' out/Web-server.ovf | grep 'size=\"\(size)\"'")
    }
  }

  private static let sizes: [Int64] = [
    512, 65536 - 512, 65536, 65536 + 512, 1 << 20, 5 << 20 | 512, 33 << 20 | 512,
  ]

  @Test(arguments: sizes, ["vmdk", "qcow2"])
  func `a disk of any size comes back as it was`(size: Int64, end: String) async throws {
    try place.write("d.raw", noise(Int(size), seed: UInt64(size)))
    try await scene.backUp(["d=d.raw"], ["--option", "ova.disk-format=\(end)"])
    try await scene.expectMembers(["Web-server.ovf", "d.\(end)", "receipt.json", "Web-server.mf"])
    try await scene.expectDisk("d.\(end)", is: "d.raw")
  }

  @Test(arguments: ["vmdk", "qcow2"])
  func `a disk of zeros takes no room`(end: String) async throws {
    try place.makeSparse("hole.raw", bytes: 200 << 20, data: [])
    // Zeros that are stored: the map calls them data.
    try place.write("zeros.raw", [UInt8](repeating: 0, count: 3 << 20))
    try await scene.backUp(
      ["hole=hole.raw", "zeros=zeros.raw"], ["--option", "ova.disk-format=\(end)"])
    try await scene.expectMembers([
      "Web-server.ovf", "hole.\(end)", "zeros.\(end)", "receipt.json", "Web-server.mf",
    ])
    for name in ["hole", "zeros"] {
      try await scene.expectDisk("\(name).\(end)", is: "\(name).raw")
    }
    #expect(try place.status("out/hole.\(end)").size < 1 << 20)
    if end == "vmdk" { #expect(try place.status("out/zeros.vmdk").size < 1 << 20) }
  }

  @Test func `noise is not larger than stored`() async throws {
    try await place.shell("head -c 20M /dev/urandom > d.raw")
    try await scene.backUp(["d=d.raw"])
    try await scene.expectMembers(["Web-server.ovf", "d.vmdk", "receipt.json", "Web-server.mf"])
    try await scene.expectDisk("d.vmdk", is: "d.raw")
    #expect(try place.status("out/d.vmdk").size < 20 << 20 + 400 << 10)
  }

  @Test(arguments: ["vmdk", "qcow2"])
  func `a disk of three terabytes with little in it is small, and read by QEMU`(
    end: String
  ) async throws {
    try place.makeSparse("d.raw", bytes: 3 << 40, data: [(0, 1 << 20), (2 << 40 | 65536, 3 << 20)])
    try await scene.backUp(["d=d.raw"], ["--option", "ova.disk-format=\(end)"])
    try await scene.expectMembers(["Web-server.ovf", "d.\(end)", "receipt.json", "Web-server.mf"])
    #expect(try place.status("out/d.\(end)").size < 8 << 20)
    if end == "qcow2" { try await scene.expectDisk("d.qcow2", is: "d.raw") }
    // All of it takes QEMU a minute, for a VMDK tells its holes grain by grain.
    for offset in [0, 1 << 40, 2 << 40 - 4 << 20, 3 << 40 - 8 << 20] {
      let window = "driver=raw,offset=\(offset),size=\(8 << 20),file.driver"
      try await place.shell(
        """
        qemu-img compare --image-opts \(window)=\(end),file.file.filename=out/d.\(end) \
          \(window)=file,file.filename=d.raw
        """)
    }
  }

  @Test func `the receipt in it is the host's, and files of machines are kept`() async throws {
    try place.makeSparse("d.raw", bytes: 1 << 20, data: [(0, 70_000)])
    try await scene.backUp(["d=d.raw"])
    try await scene.expectMembers(["Web-server.ovf", "d.vmdk", "receipt.json", "Web-server.mf"])
    let inside = try JSONValue(parsing: try place.bytes("out/receipt.json"))
    let beside = try JSONValue(parsing: try place.bytes("x.ova.sluice.json"))
    for member in ["sluice_receipt", "job", "format", "instant", "vm", "streams"] {
      #expect(inside[member] != nil && inside[member] == beside[member], "\(member)")
    }
  }

  @Test(
    .enabled(if: OVAScene.schemas != nil, "oracles: SLUICE_ORACLES has no ovf-schema"),
    .enabled(if: Build.has("xmllint"), "needs xmllint"), arguments: ["vmdk", "qcow2"])
  func `the descriptor keeps the schema of DMTF`(end: String) async throws {
    try await makeSources()
    trip.expectSuccess(
      try await trip.run(
        ["backup"] + Self.sources
          + ["--to", "ova=x.ova", "--option", "ova.disk-format=\(end)"]))
    try scene.writeSchema("all.xsd", schemas: try #require(OVAScene.schemas))
    try await place.shell(
      """
      set -e
      tar -xf x.ova machine.ovf
      xmllint --nonet --noout --schema all.xsd machine.ovf
      sed 's/<DiskSection>/<Nonsense>/; s/<.DiskSection>/<.Nonsense>/' machine.ovf > bad.ovf
      ! xmllint --nonet --noout --schema all.xsd bad.ovf
      """)
  }

  @Test(arguments: [SIGKILL, SIGTERM])
  func `a backup that is stopped leaves no appliance`(signal: Int32) async throws {
    try await trip.expectNothingStopped(format: "ova", by: signal)
  }
}
