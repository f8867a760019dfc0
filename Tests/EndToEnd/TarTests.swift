import CommandLine
import Glibc
import System
import Testing

private let hasTarTools =
  Build.has("tar") && Build.has("bsdtar") && Build.has("python3") && Build.has("zstd")

/// Tar archives, by the program as a user runs it: plugin in its sandbox.
@Suite(.inTurns, .enabled(if: hasTarTools, "needs tar, bsdtar, python3 and zstd"))
struct TarTests {
  private let scene: VMAScene
  private var trip: RoundTrip { scene.trip }
  private var place: Scratch { scene.place }

  init() throws { scene = try VMAScene() }

  /// `sluice backup` of the sources, for the shell.
  private let backup = "sluice backup --quiet " + VMAScene.sources.joined(separator: " ")

  @Test(arguments: ["vhost-user", "nbd"], ["auto", "off"])
  func `a tee makes a tar, a VMA archive and a raw one from one reading`(
    transport: String, memory: String
  ) async throws {
    try await scene.makeSources()
    let finding = try await trip.run(
      ["backup"] + VMAScene.sources + [
        "--to", "raw=archive", "--to", "vma=x.vma", "--to", "tar=x.tar", "--transport", transport,
        "--shared-memory", memory,
      ])
    trip.expectSuccess(finding)
    for program in ["tar -xSf", "bsdtar -xf", "python3 -m tarfile -e"] {
      try await place.shell("rm -rf out && mkdir out && cd out && \(program) ../x.tar")
      try await scene.expectSources("out")
      try await place.shell("cd out && sha256sum -c --strict SHA256SUMS")
    }
    // What is extracted is an archive of the format raw.
    trip.expectSuccess(try await trip.run(["verify", "out", "--format", "raw"]))
    #expect(try place.dataBytes("out/drive-scsi0.raw") < 4 << 20)
    let listing = try await trip.run(["list", "x.tar"])
    #expect(listing.output.contains("format   tar") && listing.output.contains("drive-scsi1"))
    try await scene.expectRestored("x.tar")
  }

  @Test(arguments: [("zstd:1", "x.tar.zst"), ("gzip", "x.tar.gz")])
  func `a compressed tar is made and read in the sandbox, and by others`(
    option: String, name: String
  ) async throws {
    try await scene.makeSources()
    trip.expectSuccess(
      try await trip.run(
        ["backup"] + VMAScene.sources + [
          "--to", "tar=\(name)", "--option", "tar.compress=\(option)",
        ]))
    try await place.shell("mkdir out && tar -C out -xSf \(name)")
    try await scene.expectSources("out")
    try await scene.expectRestored(name)
  }

  @Test(arguments: [
    ("tar", "x.tar.zst", "", "28b52ffd"), ("tar", "x.tar.gz", "", "1f8b"),
    ("tar", "x.tgz", "", "1f8b"), ("vma", "x.vma.zst", "", "28b52ffd"),
    ("vma", "{vmid}.vma.gz", "", "1f8b"), ("vma", "x.zst", "", "564d4100"),
    ("vma", "x.vma.zst", "--option vma.compress=none", "564d4100"),
    ("vma", "x.vma.zst", "--option vma.compress=gzip", "1f8b"),
  ])
  func `the suffix compresses if no option says otherwise`(
    format: String, name: String, option: String, magic: String
  ) async throws {
    try await scene.makeSources()
    try await scene.expectShell(
      """
      \(backup) --vm-id 7 --to '\(format)=\(name)' \(option) &&
      test $(od -An -tx1 -N\(magic.count / 2) [x7].* | tr -d ' ') = \(magic)
      """)
  }

  @Test func `a pipe takes a tar, and gives one back`() async throws {
    try await scene.makeSources()
    try await scene.expectShell(
      """
      mkdir out && \(backup) --to tar=- | tar -C out -xSf - && \(backup) --to tar=- > x.tar &&
      \(backup) --to 'tar=|zstd -q > y.tar.zst' && cat x.tar | sluice restore - --to a1 &&
      cat y.tar.zst | sluice restore - --format tar --to a2 && cat x.tar | sluice verify - &&
      tar -C out -Scf - . | sluice restore - --to a3
      """)
    for directory in ["out", "a1", "a2"] { try await scene.expectSources(directory) }
    // Of another program's archive everything that is there is a file.
    try await scene.expectSources("a3")
  }

  @Test(arguments: ["none", "zstd"])
  func `archives are converted to tar and back`(compression: String) async throws {
    try await scene.makeArchive()
    try await scene.expectShell(
      """
      sluice convert x.vma --to tar=x.tar --option tar.compress=\(compression) &&
      sluice convert x.tar --to vma=y.vma --to raw=directory && sluice verify y.vma &&
      sluice verify directory && sluice convert x.tar --to tar=z.tar && sluice verify z.tar
      """)
    try await scene.expectSources("directory")
    #expect(
      try await scene.shell("cat x.vma | sluice convert - --to tar=p.tar").contains(
        "needs an allocation map"))
    for key in ["instant", "vm"] {
      let facts = "python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[\"\(key)\"])'"
      try await place.shell(
        "\(facts) x.vma.sluice.json > f1; \(facts) z.tar.sluice.json > f2; cmp f1 f2")
    }
  }

  @Test func `a disk of more than 8 GiB is listed by everybody`() async throws {
    // A raw image without a map of holes would take minutes: these clusters are allocated in the
    // image, and hold zeros that QEMU does not tell.
    try await place.shell(
      """
      qemu-img create -q -f qcow2 -o preallocation=metadata,lazy_refcounts=off big.qcow2 9G
      qemu-io -c 'write -P 7 0 64k' -c 'write -P 9 9663610880 64k' big.qcow2 > said
      """)
    trip.expectSuccess(
      try await trip.run(["backup", "--image", "d=big.qcow2", "--to", "tar=x.tar"]))
    try await place.shell(
      """
      tar -tvf x.tar | grep -q ' 9663676416 ' && bsdtar -tvf x.tar | grep -q ' 9663676416 '
      python3 -m tarfile -l x.tar | grep -q d.raw
      """)
    #expect(try place.status("x.tar").size > 0)
    trip.expectSuccess(try await trip.run(["verify", "x.tar"]))
  }

  @Test func `three terabytes of holes take no time and no room`() async throws {
    try place.makeSparse("a.raw", bytes: 3 << 40, data: [(0, 70_000), (2 << 40, 1 << 20)])
    trip.expectSuccess(
      try await trip.run(["backup", "--image", "d=a.raw", "--to", "tar=x.tar"]))
    #expect(try place.status("x.tar").size < 2 << 20)
    trip.expectSuccess(try await trip.run(["verify", "x.tar"]))
    trip.expectSuccess(try await trip.run(["restore", "x.tar", "--to", "restored"]))
    #expect(try place.status("restored/d.raw").size == 3 << 40)
    #expect(try place.dataBytes("restored/d.raw") <= 3 << 20)
    try await place.shell(
      """
      mkdir out && tar -C out -xSf x.tar
      for at in 0 $((2 << 20)); do
        for file in a.raw restored/d.raw out/d.raw; do
          dd if=$file bs=1M skip=$at count=2 status=none | sha256sum
        done | sort -u | wc -l | grep -qx 1 || exit 1
      done
      """)
  }

  @Test func `a flipped bit of a tar is found without a receipt, by restore too`() async throws {
    try await scene.makeSources()
    trip.expectSuccess(try await trip.run(["backup"] + VMAScene.sources + ["--to", "tar=x.tar"]))
    try await place.shell("rm x.tar.sluice.json")
    trip.expectSuccess(try await trip.run(["verify", "x.tar"]))
    try place.flip("x.tar", at: 2 << 20)
    let finding = try await trip.run(["verify", "x.tar"])
    #expect(finding.status == 65 && finding.errors.contains("digest"), "\(finding.errors)")
    #expect(finding.errors.contains("reports a corrupt archive: "), "\(finding.errors)")
    #expect(try await trip.run(["restore", "x.tar", "--to", "restored"]).status == 65)
    #expect(!place.exists("restored"))
  }

  /// `x`, an archive of `a.img` and `b.img`.
  private func makeTwoDisks(_ format: String) async throws {
    try await scene.expectShell(
      """
      for disk in a b; do head -c 3M /dev/urandom > $disk.img; done &&
      sluice backup --quiet --image a=a.img --image b=b.img --to \(format)=- > x
      """)
  }

  @Test(arguments: ["tar", "ova"])
  func `a disk of a pipe is held against the archive's end, whatever is left out`(
    format: String
  ) async throws {
    try await makeTwoDisks(format)
    let restores = ["--disk a=a.raw --skip b", "--disk a=a.raw --disk b=b.raw"]
    for places in restores {
      try await scene.expectShell(
        "cat x | sluice restore --format \(format) - \(places) && cmp a.raw a.img && rm *.raw")
    }
    try place.flip("x", at: 2 << 20)
    for places in restores {
      let said = try await scene.shell(
        "cat x | sluice restore --format \(format) - \(places) 2>&1")
      #expect(said.contains("disk a was not restored") && said.contains("= 65"), "\(said)")
      #expect(try place.names() == ["a.img", "b.img", "x"])
    }
  }

  @Test func `a disk that came before the archive breaks off is kept, with a warning`() async throws
  {
    try await makeTwoDisks("tar")
    let said = try await scene.shell(
      "head -c 5M x | sluice restore --format tar - --disk a=a.raw --disk b=b.raw 2>&1")
    #expect(said.contains("disk a is complete but not verified"), "\(said)")
    #expect(said.contains("disk b was not restored") && said.contains("= 65"), "\(said)")
    try await place.shell("cmp a.raw a.img && ! test -e b.raw && echo old > a.raw")
    // Nothing has to go for what nobody proves.
    _ = try await scene.shell(
      "head -c 5M x | sluice restore --force --format tar - --disk a=a.raw --disk b=b.raw")
    #expect(try place.text("a.raw") == "old\n")
  }

  @Test(arguments: ["none", "zstd"], [SIGKILL, SIGTERM])
  func `a backup that is stopped leaves no tar`(
    compression: String, signal: Int32
  ) async throws {
    try await trip.expectNothingStopped(
      format: "tar", options: ["compress=\(compression)"], by: signal)
  }
}
