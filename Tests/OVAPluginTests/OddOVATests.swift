import BackupProtocol
import CommandLine
import ScriptedHost
import Testing

/// What other programs make, and no standard asks for: read if it can be, and said to be odd.
@Suite(.inTurns) struct `An odd appliance of others` {
  private static let disk = [UInt8](repeating: 7, count: 65536)
  private static let sha1 = "SHA1(d.raw)= a48f60a4c5099a1b00085be3b42c9f0bbb94d1c6\n"
  private static let sha256 =
    "SHA256(d.raw)= 07dcb6d11a03624831513672ffdb84d6b1730f54e90aaace444fe3a8ea9b2163\n"

  /// An appliance of one raw disk.
  private static func raw(_ more: [(String, [UInt8])] = []) -> Members {
    Members(ovf: Members.ovf("d.raw", Members.raw), [("d.raw", disk)] + more)
  }

  private static func manifest(_ text: String) -> [UInt8] {
    raw([("m.mf", Array(text.utf8))]).archive
  }

  /// A disk in a VMDK of its own.
  private static func vmdk() throws -> [UInt8] {
    try Members(of: makeAppliance([.disk(1, "d", disk)]))["d.vmdk"]
  }

  /// Expects the disk, and words in a warning.
  private func expectDisk(_ archive: [UInt8], says words: String? = nil) throws {
    let plugin = try applianceWorkshop.startReader(try ScratchArchive(archive))
    let streams = try plugin.host.startReading(.verify, format: "ova", output: .file, scratch: 8)
    #expect(streams.map(\.name).filter { $0 != "m.ovf" } == ["d"])
    for stream in streams {
      let answer = try plugin.host.read(stream)
      #expect(stream.name != "d" || areEqual(answer.bytes, Self.disk))
    }
    _ = try plugin.host.finish()
    #expect(plugin.wait() == .exit(0))
    let said = plugin.host.reports.compactMap { report in
      report.type == .log
        ? try? report.payload.withRawBytes { try LogFrame(parsing: $0).text } : nil
    }
    #expect(said.count == (words == nil ? 0 : 1), "\(said)")
    if let words { #expect(said.first?.contains(words) == true, "\(said)") }
  }

  @Test func `may name a file as a URI`() throws {
    let ovf = Members.ovf("my%20disk.raw", Members.raw)
    try expectDisk(Members(ovf: ovf, [("my disk.raw", Self.disk)]).archive)
    try expectDisk(Members(ovf: ovf, [("my%20disk.raw", Self.disk)]).archive)
    try expectRefusal(Members(ovf: ovf).archive, .notFound, says: "\"my%20disk.raw\" is missing")
  }

  @Test func `may have hidden files, which are left out`() throws {
    var members = Self.raw()
    members.list.insert(("._m.ovf", [1, 2, 3]), at: 0)
    try expectDisk(members.archive, says: "\"._m.ovf\" is a hidden file")
    let zeros = String(repeating: "0", count: 40)
    let text = "\(Self.sha1)SHA1(._x)= \(zeros)\n"
    let listed = Self.raw([("m.mf", Array(text.utf8)), ("a/._x", [1])])
    try expectDisk(listed.archive, says: "\"._x\" is a hidden file")
  }

  @Test(arguments: ["", "ovf:capacity='${size}'", "ovf:capacity='0.5'"])
  func `may leave the size of a disk to its image`(capacity: String) throws {
    for (file, format, bytes) in [
      ("d.vmdk", Members.stream, try Self.vmdk()), ("d.raw", Members.raw, Self.disk),
    ] {
      let ovf = Members.ovf(file, format).replacing("ovf:capacity='65536'", with: capacity)
      try expectDisk(
        Members(ovf: ovf, [(file, bytes)]).archive,
        says: "disk \"d\" has 65536 bytes; the descriptor has no valid capacity")
    }
  }

  @Test func `may have a manifest that lists itself`() throws {
    let line = "SHA256(m.mf)= " + String(repeating: "e3", count: 32) + "\n"
    try expectDisk(Self.manifest(line + Self.sha256), says: "digest of itself: not checked")
  }

  @Test func `may have several digests of a file, each of which has to match`() throws {
    try expectDisk(Self.manifest(Self.sha1 + Self.sha256))
    for (line, digit) in [(Self.sha1, "a48"), (Self.sha256, "07d")] {
      let text = (Self.sha1 + Self.sha256).replacing(
        line, with: line.replacing("= " + digit, with: "= 000"))
      try expectRefusal(Self.manifest(text), says: "\"d.raw\" is damaged")
    }
    try expectRefusal(Self.manifest(Self.sha1 + Self.sha1), says: "twice")
  }

  @Test func `may have digests as OpenSSL 3 names them`() throws {
    let line = Self.sha256.replacing("SHA256", with: "SHA2-256")
    try expectDisk(Self.manifest(line))
    try expectRefusal(
      Self.manifest(line.replacing("= 07d", with: "= 000")), says: "\"d.raw\" is damaged")
  }

  @Test func `with a VMDK that was cut off names it`() throws {
    let bytes = Array(try Self.vmdk().dropLast(1536))
    try expectRefusal(
      Members(ovf: Members.ovf("d.vmdk", Members.stream), [("d.vmdk", bytes)]).archive,
      says: "\"d.vmdk\": the VMDK is truncated: it has no footer")
  }

  @Test func `with more words behind the offset of an extent is read`() throws {
    let text = "# Disk DescriptorFile\nRW 128 FLAT \"d-flat.vmdk\" 0 partitionUUID dev0\n"
    try expectDisk(
      Members(
        ovf: Members.ovf("d.vmdk", Members.stream),
        [("d.vmdk", Array(text.utf8)), ("d-flat.vmdk", Self.disk)]
      ).archive)
  }

  @Test func `with features of qcow2 that cannot be read names them and a way out`() throws {
    var image = [UInt8](repeating: 0, count: 512)
    image.replaceSubrange(0..<8, with: [0x51, 0x46, 0x49, 0xFB, 0, 0, 0, 3])
    let cases: [(UInt8, String)] = [
      (2, "the mark of a corrupt image"), (4, "an external data file"),
      (16, "extended L2 entries"), (64, "unknown features (64)"),
    ]
    for (features, words) in cases {
      image[79] = features
      let archive = Members(ovf: Members.ovf("d.qcow2", Members.qcow2), [("d.qcow2", image)])
      try expectRefusal(
        archive.archive, .unsupported,
        says: "\"d.qcow2\": qcow2 image with \(words), which is not supported; convert it")
    }
  }

  @Test func `may have its machine in a collection, but only one`() throws {
    func collection(_ systems: String) -> [UInt8] {
      let ovf = Members.ovf("d.raw", Members.raw)
        .replacing("<VirtualSystem ", with: "<VirtualSystemCollection><VirtualSystem ")
        .replacing("</VirtualSystem>", with: "</VirtualSystem>\(systems)</VirtualSystemCollection>")
      return Members(ovf: ovf, [("d.raw", Self.disk)]).archive
    }
    try expectDisk(collection(""))
    try expectRefusal(
      collection("<VirtualSystem ovf:id='db'/>"), .unsupported, says: "2 machines (\"m\", \"db\")")
  }

  @Test func `is not one of ours with the same`() throws {
    var ours = try Members(of: makeAppliance([.disk(1, "d", Self.disk)]))
    ours.list.insert(("._d.vmdk", [1]), at: 2)
    for kind in [Job.OutputKind.file, .pipe] {
      try expectRefusal(ours.archive, says: "unexpected file \"._d.vmdk\"", .verify, kind)
    }
    ours.remove("._d.vmdk")
    let zeros = String(repeating: "0", count: 64)
    ours["db1.mf"] += Array("SHA256(db1.mf)= \(zeros)\n".utf8)
    for kind in [Job.OutputKind.file, .pipe] {
      try expectRefusal(ours.archive, says: "unexpected content", .verify, kind)
    }
  }
}
