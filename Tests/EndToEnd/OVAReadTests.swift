import CommandLine
import Glibc
import System
import Testing

/// Appliances that are read, by the program as a user runs it: plugin in its sandbox.
@Suite(.inTurns, .enabled(if: OVAScene.hasTools, "needs tar, bsdtar, 7z, python3 and qemu-img"))
struct OVAReadTests {
  private let scene: VMAScene
  private var trip: RoundTrip { scene.trip }
  private var place: Scratch { scene.place }

  init() throws { scene = try VMAScene() }

  // MARK: Of ours

  private static let sources = [
    "--image", "scsi0=a.raw", "--image", "nvme=b.raw", "--image", "huge=huge.raw", "--config",
    "vm.conf", "--config", "large.bin", "--vm-name", "Web server", "--vm-id", "101",
  ]

  private func makeSources() throws {
    try place.makeSparse(
      "a.raw", bytes: 70 << 20,
      data: [(0, 3 << 20), (5 << 20 | 4096, 4096), (41 << 20, 700_000), (70 << 20 - 512, 512)])
    try place.makeSparse("b.raw", bytes: 5 << 20 | 512, data: [(1 << 20, 4 << 20 | 512)])
    try place.makeSparse(
      "huge.raw", bytes: 3 << 40, data: [(0, 1 << 20), (2 << 40 | 65536, 300_000)])
    try place.write("vm.conf", Array("a\0b]]>\r\n&amp;\u{FF}".utf8))
    try place.write("large.bin", noise(300_000, seed: 3))
  }

  private func expectSources(_ directory: String) async throws {
    try await scene.expectShell(
      """
      cmp a.raw \(directory)/scsi0.raw && cmp b.raw \(directory)/nvme.raw &&
      cmp vm.conf \(directory)/vm.conf && cmp large.bin \(directory)/large.bin &&
      test $(stat -c %s \(directory)/huge.raw) = 3298534883328 &&
      cmp -n 2000000 huge.raw \(directory)/huge.raw &&
      cmp -i 2199023255552 -n 2000000 huge.raw \(directory)/huge.raw
      """)
    #expect(try place.dataBytes("\(directory)/huge.raw") < 8 << 20)
  }

  private func backUp(_ options: [String] = []) async throws {
    trip.expectSuccess(
      try await trip.run(["backup"] + Self.sources + ["--to", "ova=x.ova"] + options))
  }

  @Test(arguments: ["vmdk", "qcow2"])
  func `what is restored is what was backed up`(format: String) async throws {
    try makeSources()
    try await backUp(["--option", "ova.disk-format=\(format)"])
    let verified = try await trip.run(["verify", "x.ova"])
    trip.expectSuccess(verified)
    #expect(verified.output.contains("every byte verified against the receipt"))
    trip.expectSuccess(try await trip.run(["restore", "x.ova", "--to", "out"]))
    try await expectSources("out")
    let listing = try await trip.run(["list", "x.ova"])
    #expect(listing.output.contains("format   ova") && listing.output.contains("3.0 TiB"))
    // Without the receipt beside it, the one inside is enough.
    try await scene.expectShell("rm x.ova.sluice.json && sluice verify x.ova")
    // It says of itself what the receipt beside it had said.
    let alone = try await trip.run(["list", "x.ova"])
    let taken = try #require(listing.lines.first { $0.hasPrefix("time     20") })
    #expect(alone.lines.contains(taken) && alone.lines.contains("receipt  none"), "\(alone.output)")
    #expect(try place.names().contains { $0.contains("sluice-") } == false)
  }

  @Test func `a pipe gives an appliance, and takes it back`() async throws {
    try makeSources()
    let words = Self.sources.map { "'\($0)'" }.joined(separator: " ")
    try await scene.expectShell(
      """
      sluice backup --quiet \(words) --to ova=- | sluice verify --format ova - &&
      sluice backup --quiet \(words) --to ova=- | sluice restore --format ova - --to out &&
      sluice backup --quiet \(words) --to ova=- | gzip -1 > y.ova.gz &&
      sluice verify y.ova.gz && sluice list y.ova.gz
      """)
    try await expectSources("out")
  }

  @Test func `appliances are converted from and to other formats`() async throws {
    try makeSources()
    try await backUp()
    try await scene.expectShell(
      """
      sluice convert x.ova --to raw=out && sluice verify out &&
      sluice convert out --to ova=y.ova && sluice verify y.ova &&
      sluice convert y.ova --to ova=z.ova --option ova.disk-format=qcow2 &&
      sluice restore z.ova --to back && sluice list z.ova | grep 'Web server'
      """, within: 180)
    for directory in ["out", "back"] { try await expectSources(directory) }
  }

  @Test(arguments: ["vmdk", "qcow2"])
  func `one disk of several is restored, and held against its digest`(
    format: String
  ) async throws {
    try makeSources()
    try await backUp(["--option", "ova.disk-format=\(format)"])
    try await scene.expectShell(
      "rm x.ova.sluice.json; sluice restore x.ova --disk nvme=nvme.raw --skip scsi0 --skip huge")
    try await scene.expectShell("cmp b.raw nvme.raw && test ! -e scsi0.raw")
    try await flip("nvme.\(format)", of: "x.ova")
    for arguments in [
      ["verify", "x.ova"],
      ["restore", "x.ova", "--disk", "nvme=other.raw", "--skip", "scsi0", "--skip", "huge"],
    ] {
      let finding = try await trip.run(arguments)
      #expect(finding.status == 65, "\(finding.errors)")
    }
    #expect(!place.exists("other.raw"))
  }

  /// Changes the byte in the middle of a member.
  private func flip(_ member: String, of archive: String) async throws {
    let line = try await place.shell("tar -tvRf \(archive) | grep ' \(member)$'")
    let words = line.split(separator: " ")
    let block = try #require(Int64(words[1].dropLast()))
    let size = try #require(Int64(words[4]))
    try place.flip(archive, at: (block + 1) * 512 + size / 2)
  }

  // MARK: Of others

  /// Appliances with the disk `d.raw` in every format, by the tools of others.
  private func makeForeign() async throws {
    try place.makeSparse(
      "d.raw", bytes: 9 << 20 | 1536,
      data: [(0, 300_000), (3 << 20 | 4096, 4096), (9 << 20 | 1024, 512)])
    try place.write("make.py", Array(Self.maker.utf8))
    try await place.shell("python3 make.py")
  }

  /// Restores an appliance and expects the disk seven times, and the files beside it.
  private func expectForeign(_ words: String) async throws {
    try await scene.expectShell(
      """
      rm -rf out && \(words) &&
      for disk in so ms mf tg q r gz; do cmp d.raw out/$disk.raw || exit 1; done &&
      cmp m.ovf out/m.ovf && cmp vm.nvram out/vm.nvram && test $(ls out/*.raw | wc -l) = 7
      """)
  }

  @Test func `disks of every kind come out of appliances of others`() async throws {
    try await makeForeign()
    try await expectForeign("sluice verify m.ova && sluice restore m.ova --to out")
    try await expectForeign("sluice restore last.ova --to out")
    try await expectForeign("gzip -k1 m.ova && sluice restore m.ova.gz --to out")
    try await expectForeign("cat m.ova | sluice restore --format ova - --to out")
    try await expectForeign("cat last.ova | gzip | sluice restore --format ova - --to out")
    try await expectForeign("sluice restore --format ova - --to out < pax.ova")
    let listing = try await trip.run(["list", "m.ova"])
    #expect(listing.status == 0 && listing.errors.contains("\"empty\" is empty"))
  }

  @Test func `appliances of others are converted`() async throws {
    try await makeForeign()
    try await scene.expectShell(
      """
      sluice convert m.ova --to raw=out --to ova=x.ova --to vma=x.vma && sluice verify x.ova &&
      sluice verify x.vma &&
      cmp d.raw out/tg.raw && sluice restore x.ova --to back && cmp d.raw back/q.raw
      """)
  }

  @Test(arguments: ["so.vmdk", "mf-flat.vmdk", "q.qcow2", "r.img", "vm.nvram", "m.ovf"])
  func `a flipped byte is found by the manifest, whatever its digests`(
    name: String
  ) async throws {
    try await makeForeign()
    try await flip(name, of: "m.ova")
    for arguments in [["verify", "m.ova"], ["restore", "m.ova", "--to", "out"]] {
      let finding = try await trip.run(arguments)
      #expect(finding.status == 65 && finding.errors.contains("damaged"), "\(finding.errors)")
    }
    #expect(!place.exists("out"))
  }

  @Test func `a cut appliance is refused`() async throws {
    try await makeForeign()
    try await place.shell("head -c 3000000 m.ova > cut.ova")
    for arguments in [["list", "cut.ova"], ["restore", "cut.ova", "--to", "out"]] {
      let finding = try await trip.run(arguments)
      #expect(finding.status == 65 && finding.errors.contains("ends inside"), "\(finding.errors)")
    }
  }

  @Test func `tar says what an appliance is`() async throws {
    try await makeForeign()
    let finding = try await trip.run(["list", "--format", "tar", "m.ova"])
    #expect(finding.status != 0 && finding.errors.contains("--format ova"), "\(finding.errors)")
  }

  /// Disks by qemu-img, a manifest of all digests, and archives in several orders.
  private static let maker = """
    import hashlib, os, subprocess
    stream = "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"
    disks = [("so.vmdk", stream), ("ms.vmdk", stream), ("mf.vmdk", stream), ("tg.vmdk", stream),
             ("q.qcow2", "http://www.gnome.org/~markmc/qcow-image-format.html"),
             ("r.img", "http://en.wikipedia.org/wiki/Byte"), ("gz.vmdk.gz", stream)]
    kinds = ["streamOptimized", "monolithicSparse", "monolithicFlat", "twoGbMaxExtentSparse"]
    def run(*words): subprocess.check_call(words)
    for (name, _), kind in zip(disks, kinds):
        run("qemu-img", "convert", "-O", "vmdk", "-o", "subformat=" + kind, "d.raw", name)
    run("qemu-img", "convert", "-O", "qcow2", "-c", "d.raw", "q.qcow2")
    run("cp", "d.raw", "r.img")
    run("sh", "-c", "gzip < so.vmdk > gz.vmdk.gz")
    open("vm.nvram", "wb").write(b"nv\\0ram" * 200)
    names = [name for name, _ in disks] + ["mf-flat.vmdk", "tg-s001.vmdk", "vm.nvram"]
    size = os.path.getsize("d.raw")
    text = '<?xml version="1.0"?>' + "<!--" + "c" * 900 + "-->"
    space = "http://schemas.dmtf.org/ovf/envelope/1"
    text += f'<Envelope xmlns="{space}" xmlns:ovf="{space}"><References>'
    for name in names:
        packed = 'ovf:compression="gzip"' if name.endswith(".gz") else ""
        text += f'<File ovf:id="{name}" ovf:href="{name}" {packed}/>'
    text += "</References><DiskSection><Info/>"
    for name, uri in disks:
        text += f'<Disk ovf:diskId="{name.split(".")[0]}" ovf:fileRef="{name}" '
        text += f'ovf:capacity="{size}" ovf:format="{uri}"/>'
    text += '<Disk ovf:diskId="empty" ovf:capacity="5"/></DiskSection>'
    text += '<VirtualSystem ovf:id="m"><Info/><Name>m</Name></VirtualSystem></Envelope>'
    open("m.ovf", "w").write(text)
    lines = ""
    for number, name in enumerate(["m.ovf"] + names):
        kind = ["sha1", "sha256", "sha512"][number % 3]
        digest = hashlib.new(kind, open(name, "rb").read()).hexdigest()
        form = "{}({})= {}\\r\\n" if number % 2 else "{} ({}) = {}\\n"
        lines += form.format(kind.upper(), name, digest)
    open("m.mf", "w", newline="").write(lines)
    run("tar", "--format=ustar", "-cf", "m.ova", "m.ovf", "m.mf", *names)
    run("tar", "--format=gnu", "-cf", "last.ova", "m.mf", *names, "m.ovf")
    run("tar", "--format=posix", "-cf", "pax.ova", "./m.ovf", *["./" + name for name in names])
    """
}
