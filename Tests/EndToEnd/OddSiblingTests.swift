import CommandLine
import Testing

/// Archives that are odd as those of ``ForeignCaseTests`` are, in another field or by another
/// program, and made here.
@Suite(.inTurns, .enabled(if: hasTools, "needs the tools of other programs"))
struct OddSiblingTests {
  private let scene: VMAScene
  private var place: Scratch { scene.place }

  init() throws {
    scene = try VMAScene()
    try place.makeSparse("d.raw", bytes: 3 << 20, data: [(0, 300_000), (2 << 20, 4096)])
  }

  /// An appliance `x.ova` of a disk by qemu-img, after words that change its parts `m.ovf` and
  /// `d.vmdk`; its members are `files`.
  private func makeAppliance(
    _ change: String = "true", files: String = "m.ovf d.vmdk", by tar: String = "tar -cf"
  ) async throws {
    try await place.shell("rm -f m.ovf")
    try place.write("m.ovf", Array(Self.descriptor.utf8))
    try await place.shell(
      """
      qemu-img convert -f raw -O vmdk -o subformat=streamOptimized d.raw d.vmdk &&
      { \(change) ; } &&
      \(tar) x.ova \(files)
      """)
  }

  /// Verifies and restores `x.ova` to the disk, with words among what is said.
  private func expectDisk(
    status: Int, says words: String = "", as disk: String = "disk1"
  ) async throws {
    let text = try await scene.shell("sluice verify x.ova 2>&1")
    #expect(text.contains(words) && text.hasSuffix("= \(status)\n"), "\(text)")
    try await scene.expectShell("sluice restore x.ova --to out && cmp d.raw out/\(disk).raw")
  }

  private func expectRefusal(
    _ archive: String, status: Int, says words: String, _ verbs: [String] = ["list", "verify"]
  ) async throws {
    for verb in verbs + ["restore --to never"] {
      let text = try await scene.shell(
        "sluice \(verb) \(archive) 2>&1; a=$?; test ! -e never || a=99; (exit $a)")
      #expect(text.contains(words) && text.hasSuffix("= \(status)\n"), "\(verb): \(text)")
    }
  }

  @Test func `a manifest with SHA-1 and SHA-512 of a file is checked by both`() async throws {
    let sums = "for a in sha512 sha1; do openssl dgst -$a d.vmdk m.ovf; done > m.mf"
    try await makeAppliance(sums, files: "m.ovf m.mf d.vmdk", by: "bsdtar --no-read-sparse -cf")
    try await expectDisk(status: 0)
    for kind in ["SHA1", "SHA2-512"] {
      try await makeAppliance(
        "\(sums) && sed -i '/\(kind)(d/s/....$/0123/' m.mf", files: "m.ovf m.mf d.vmdk")
      try await expectRefusal("x.ova", status: 65, says: "does not match the manifest", ["verify"])
    }
  }

  @Test func `a manifest that lists itself by SHA-1 is told`() async throws {
    try await makeAppliance(
      "touch m.mf && openssl dgst -sha1 m.ovf m.mf d.vmdk > all && mv all m.mf",
      files: "m.ovf m.mf d.vmdk")
    try await expectDisk(status: 0, says: "digest of itself: not checked")
  }

  @Test func `a name of letters that are no ASCII is found by its URI`() async throws {
    try await makeAppliance(
      "mv d.vmdk 'räum 1.vmdk' && sed -i 's/d.vmdk/r%C3%A4um%201.vmdk/' m.ovf",
      files: "m.ovf 'räum 1.vmdk'")
    try await expectDisk(status: 1)
  }

  @Test(arguments: ["", "ovf:capacity='12.5'", "ovf:capacity='-1'"])
  func `a disk without a capacity has that of its image`(capacity: String) async throws {
    try await makeAppliance("sed -i \"s/ovf:capacity='[0-9]*'/\(capacity)/\" m.ovf")
    try await expectDisk(status: 1, says: "no valid capacity")
  }

  @Test func `hidden files are left out, whoever made them`() async throws {
    try await makeAppliance(
      "echo > .DS_Store && echo > ._d.vmdk", files: "./.DS_Store m.ovf ._d.vmdk d.vmdk")
    try await expectDisk(status: 1, says: "\".DS_Store\"")
    try await scene.expectShell(
      """
      bsdtar -cf x.tar .DS_Store d.raw && sluice restore x.tar --to tar &&
      test $(ls -A tar) = d.raw
      """
    )
  }

  @Test(arguments: [
    ("s|</References>|<File ovf:id='n' ovf:href='web.nvram'/>&|", "web.nvram"),
    (
      "s|</References>|<File ovf:id='n' ovf:href='gone.vmdk'/>&|;"
        + "s|</DiskSection>|<Disk ovf:diskId='gone' ovf:fileRef='n' ovf:capacity='512'/>&|", "gone"
    ),
  ])
  func `a file that is missing can be left out`(change: String, name: String) async throws {
    try await makeAppliance(
      "sed -i \"\(change)\" m.ovf && openssl dgst -sha1 m.ovf d.vmdk > m.mf",
      files: "m.ovf m.mf d.vmdk")
    try await scene.expectShell("sluice list x.ova 2>&1 | grep 'is missing from the archive'")
    for words in ["is missing from the archive", "sluice restore --skip \(name)"] {
      try await expectRefusal("x.ova", status: 65, says: words, ["verify", "convert --to tar=y"])
    }
    try await scene.expectShell(
      "sluice restore x.ova --to out --skip \(name) && cmp d.raw out/disk1.raw")
  }

  @Test func `a disk of gzip is named, and one that is none`() async throws {
    try await makeAppliance("gzip d.vmdk && mv d.vmdk.gz d.vmdk")
    try await expectRefusal("x.ova", status: 69, says: "\"d.vmdk\" is compressed with gzip")
    let say = "sed -i \"s/d.vmdk'/& ovf:compression='gzip'/\" m.ovf"
    try await makeAppliance("gzip d.vmdk && mv d.vmdk.gz d.vmdk && \(say)")
    try await expectDisk(status: 1)
    try await makeAppliance(say)
    try await expectRefusal("x.ova", status: 65, says: "\"d.vmdk\" is not compressed with gzip")
  }

  @Test func `a collection of two machines is refused by their names`() async throws {
    let twice =
      "</VirtualSystem><VirtualSystem ovf:id='two'><Info/><Name>two</Name></VirtualSystem>"
    try await makeAppliance(
      """
      sed -i "s|<VirtualSystem |<VirtualSystemCollection ovf:id='c'><Info/>&|" m.ovf &&
      sed "s|</VirtualSystem>|&</VirtualSystemCollection>|" m.ovf > one.ovf &&
      sed -i "s|</VirtualSystem>|\(twice)</VirtualSystemCollection>|" m.ovf &&
      tar -cf two.ova m.ovf d.vmdk && cp one.ovf m.ovf
      """)
    try await expectDisk(status: 1)
    try await expectRefusal("two.ova", status: 69, says: "two")
  }

  @Test func `a disk that was cut off is named, qcow2 too`() async throws {
    try await makeAppliance("truncate -s -150000 d.vmdk")
    try await expectRefusal("x.ova", status: 65, says: "truncated", ["verify"])
    try await makeAppliance(
      "qemu-img convert -O qcow2 d.raw d.qcow2 && truncate -s -200000 d.qcow2 && "
        + Self.useQCOW2, files: "m.ovf d.qcow2")
    try await expectRefusal("x.ova", status: 65, says: "truncated inside a cluster", ["verify"])
  }

  private static let useQCOW2 =
    "sed -i 's/d.vmdk/d.qcow2/;s|http://www.vmware.com[^\\x27]*|"
    + "http://www.gnome.org/~markmc/qcow-image-format.html|' m.ovf"

  @Test func `qcow2 of zlib and zstd is read, and extended entries are named`() async throws {
    for options in ["-c", "-c -o compression_type=zstd", "-o compression_type=zstd"] {
      try await makeAppliance(
        "qemu-img convert -O qcow2 \(options) d.raw d.qcow2 && \(Self.useQCOW2)",
        files: "m.ovf d.qcow2")
      try await expectDisk(status: 1)
      try await place.shell("rm -r out")
    }
    try await makeAppliance(
      "qemu-img convert -O qcow2 -o extended_l2=on d.raw d.qcow2 && \(Self.useQCOW2)",
      files: "m.ovf d.qcow2")
    try await expectRefusal("x.ova", status: 69, says: "\"d.qcow2\"")
    try await expectRefusal("x.ova", status: 69, says: "extended L2 entries")
  }

  @Test(arguments: ["lzop", "xz", "bzip2", "lz4"])
  func `archives of other compressions are named, whatever is in them`(by: String) async throws {
    let undo = by == "lzop" ? "lzop -d" : "\(by) -dc"
    try await place.shell("tar -cSf - d.raw | \(by) -c > x.tar.z && cp x.tar.z x.ova")
    for archive in ["x.tar.z", "- --format tar < x.tar.z", "- < x.tar.z", "x.ova"] {
      for words in ["compressed with \(by), which is not supported", "\(undo) < ARCHIVE | sluice"] {
        try await expectRefusal(archive, status: 69, says: words, ["list"])
      }
    }
    try await scene.expectShell(
      "\(undo) < x.tar.z | sluice restore --format tar - --to out && cmp d.raw out/d.raw")
  }

  @Test func `what is no archive is called what it is`() async throws {
    try await place.shell(
      """
      qemu-img create -q -f qcow2 d.qcow2 1M && qemu-img create -q -f vmdk d.vmdk 1M &&
      mkdir vm && touch vm/VM.OVF && echo '<Envelope/>' > m.ovf && echo hello > t.txt
      """)
    for (name, words) in [
      ("d.qcow2", "a qcow2 image"), ("- < d.vmdk", "sluice backup --image"),
      ("m.ovf", "tar -cf NAME.ova"), ("vm", "not packed (OVF)"),
      ("t.txt", "one of ova, qcow2, raw, tar, vma, specify that with --format"),
    ] {
      try await expectRefusal(name, status: 65, says: words)
    }
  }

  @Test func `a limit is no damage, and has one status`() async throws {
    try await place.shell(
      """
      truncate -s 1000 odd.raw && head -c 70000 /dev/zero > big.conf &&
      { tar -cS d.raw && head -c 200M /dev/zero ; } | zstd -q -1 --long=28 > w.tar.zst
      """)
    for job in ["--image d=odd.raw", "--image d=d.raw --config big.conf"] {
      let text = try await scene.shell("sluice backup \(job) --to vma=never.vma 2>&1")
      #expect(text.hasSuffix("= 69\n"), "\(text)")
    }
    try await expectRefusal("w.tar.zst", status: 69, says: "zstd -dc --long=31 < ARCHIVE")
    try await scene.expectShell(
      """
      zstd -dc --long=31 < w.tar.zst | sluice restore --format tar - --to out &&
      cmp d.raw out/d.raw
      """)
  }

  @Test func `nothing but zeros is no archive`() async throws {
    try await place.shell(
      "truncate -s 1M z.tar z.ova z.tgz && truncate -s 20K zeros && gzip zeros && mv zeros.gz y.tgz"
    )
    for name in ["z.tar", "z.ova", "y.tgz"] {
      try await expectRefusal(name, status: 65, says: "zeros")
    }
  }

  @Test func `any changed letter of the name of a digest is damage`() async throws {
    try await place.shell("true")
    try await scene.expectShell("sluice backup --image d=d.raw --to ova=y.ova")
    for (from, to) in [
      ("SHA256(d", "SHB256(d"), ("SHA256(m", "SHA25&(m"), ("SHA256(r", "SHA25 (r"),
    ] {
      try await scene.expectShell(
        "LC_ALL=C sed 's/\(from)/\(to)/' y.ova > x.ova && ! cmp -s x.ova y.ova")
      try await expectRefusal("x.ova", status: 65, says: "the manifest (.mf) ", ["verify"])
    }
  }

  @Test func `an archive of GNU tar may end with one block of zeros`() async throws {
    try await place.shell(
      """
      tar -b1 -cf x.tar d.raw && truncate -s -512 x.tar && tar -tf x.tar 2>&1 | grep lone &&
      gzip -k x.tar
      """)
    for name in ["x.tar", "x.tar.gz", "- --format tar < x.tar"] {
      let text = try await scene.shell(
        "sluice restore \(name) --to out 2>&1 && cmp d.raw out/d.raw && rm -r out")
      #expect(
        text.contains("one block of zeros instead of two") && text.hasSuffix("= 0\n"), "\(text)")
    }
    try await makeAppliance(by: "tar -b1 -cf")
    try await place.shell("truncate -s -512 x.ova")
    try await expectDisk(status: 1, says: "one block of zeros instead of two")
  }

  @Test func `skippable frames and members with names decompress as everybody has it`() async throws
  {
    try await place.shell(
      """
      tar -cSf x.tar d.raw && head -c 100000 x.tar > a && tail -c +100001 x.tar > b &&
      skip() { printf '\\12\(Int.random(in: 0...7))*M\\030\\003\\000\\000\\000abc'; } &&
      { skip; zstd -c a; skip; skip; zstd -c --no-check b; skip; } > f.tar.zst &&
      pzstd -q -p 2 -c x.tar > p.tar.zst && gzip -c a > n.tar.gz && gzip -nc b >> n.tar.gz
      """)
    for name in ["f.tar.zst", "p.tar.zst", "n.tar.gz"] {
      try await scene.expectShell(
        "sluice restore \(name) --to out && cmp d.raw out/d.raw && rm -r out")
    }
  }

  private static let descriptor = """
    <?xml version='1.0'?>
    <Envelope xmlns='http://schemas.dmtf.org/ovf/envelope/1'
      xmlns:ovf='http://schemas.dmtf.org/ovf/envelope/1'>
      <References><File ovf:id='f' ovf:href='d.vmdk'/></References>
      <DiskSection><Info/><Disk ovf:diskId='disk1' ovf:fileRef='f' ovf:capacity='3145728' \
    ovf:format='http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized'/>
      </DiskSection>
      <VirtualSystem ovf:id='one'><Info/><Name>one</Name></VirtualSystem>
    </Envelope>
    """
}

private let hasTools =
  OVAScene.hasTools
  && ["bzip2", "lz4", "lzop", "openssl", "pzstd", "xz", "zstd"].allSatisfy(Build.has)
