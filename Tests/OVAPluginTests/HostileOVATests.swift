import CommandLine
import BackupProtocol
import Machine
import ScriptedHost
import Testing

@Suite(.inTurns) struct `A hostile appliance of others` {
  private static let disk = [UInt8](repeating: 7, count: 65536)
  private static let good = Members.ovf("d.raw", Members.raw)

  private static func members(_ ovf: String, _ more: [(String, [UInt8])]) -> [UInt8] {
    Members(ovf: ovf, more).archive
  }

  private static func manifest(_ text: String) -> [UInt8] {
    members(good, [("d.raw", disk), ("m.mf", Array(text.utf8))])
  }

  /// The descriptor of a VMDK in other files.
  private static func extents(_ lines: String, parent: String = "ffffffff") -> [UInt8] {
    let text = "# Disk DescriptorFile\nversion=1\nparentCID=\(parent)\n\(lines)\n"
    return members(
      Members.ovf("d.vmdk", Members.stream),
      [("d.vmdk", Array(text.utf8)), ("d-flat.vmdk", disk)])
  }

  /// The header of a VMDK of 2^36 sectors with nothing behind it.
  private static func bomb() -> [UInt8] {
    var header = [UInt8](repeating: 0, count: 4096)
    header.replaceSubrange(0..<4, with: Array("KDMV".utf8))
    header[4] = 1
    header[12 + 4] = 0x10
    header[20] = 128
    header[44 + 1] = 2
    header[56] = 1
    header[64] = 8
    return header
  }

  private static let wrecks = [
    Wreck("no descriptor", says: "no descriptor", TarMaker.file("d.raw")),
    Wreck(
      "two descriptors", says: "two descriptors",
      members(good, [("d.raw", disk), ("n.ovf", Array(good.utf8))])),
    Wreck(
      "a path outside", says: "unsafe path", members(good, [("../d.raw", disk)])),
    Wreck("an absolute name", says: "unsafe path", members(good, [("/etc/d.raw", disk)])),
    Wreck(
      "two files of one name", says: "duplicate file name",
      members(good, [("d.raw", disk), ("./d.raw", disk)])),
    Wreck("a missing disk", .notFound, says: "\"d.raw\" is missing", members(good, [])),
    Wreck(
      "a missing file", .notFound, says: "\"x\" is missing",
      members(
        Members.ovf(files: "<File ovf:id='x' ovf:href='x'/>", disks: ""), [])),
    Wreck(
      "a path as a file", says: "not a valid file name",
      members(Members.ovf("../../etc/passwd", Members.raw), [])),
    Wreck(
      "a descriptor of 5 MiB", .tooLarge, says: "too many",
      members(String(repeating: " ", count: 5 << 20), [])),
    Wreck(
      "entities", says: "XML",
      members(
        "<!DOCTYPE a [<!ENTITY b \"cc\"><!ENTITY d \"&b;&b;\">]><Envelope>&d;</Envelope>", [])),
    Wreck("no XML", says: "XML", members("<Envelope", [])),
    Wreck("another document", says: "envelope", members("<a/>", [])),
    Wreck(
      "a wrong digest", says: "does not match the manifest",
      manifest("SHA1(d.raw)= " + String(repeating: "0", count: 40))),
    Wreck(
      "a short digest", says: "invalid digest", manifest("SHA256(d.raw)= 00")),
    Wreck(
      "a digest of letters", says: "invalid digest",
      manifest("SHA1(d.raw)= " + String(repeating: "x", count: 40))),
    Wreck(
      "a line for nothing", says: "\"e.raw\" is missing",
      manifest("SHA1(e.raw)= " + String(repeating: "0", count: 40))),
    Wreck("a malformed line", says: "malformed line", manifest("hello")),
    Wreck(
      "a line for a path", says: "unsafe path",
      manifest("SHA1(../d.raw)= " + String(repeating: "0", count: 40))),
    Wreck(
      "two lines for a file", says: "twice", manifest("MD4(d.raw)= 00\nMD4(d.raw)= 00")),
    Wreck(
      "an extent elsewhere", says: "not in the archive", extents("RW 128 FLAT \"/etc/passwd\" 0")),
    Wreck(
      "an extent that is itself", says: "not in the archive", extents("RW 1 FLAT \"d.vmdk\" 0")),
    Wreck("an extent too long", says: "beyond the end", extents("RW 129 FLAT \"d-flat.vmdk\" 0")),
    Wreck(
      "an extent too far", says: "beyond the end of its file",
      extents("RW 1 FLAT \"d-flat.vmdk\" 17592186044416")),
    Wreck(
      "extents beyond 2^44", says: "too long",
      extents(String(repeating: "RW 17592186044416 ZERO\n", count: 2))),
    Wreck("no extents", says: "no extent", extents("")),
    Wreck(
      "an invalid sparse extent", says: "not a sparse VMDK",
      extents("RW 128 SPARSE \"d-flat.vmdk\"")),
    Wreck(
      "a difference", .unsupported, says: "differencing",
      extents("RW 128 FLAT \"d-flat.vmdk\" 0", parent: "12345678")),
    Wreck(
      "a difference by the descriptor", .unsupported, says: "differencing",
      members(Members.ovf("d.raw", Members.raw, disk: "ovf:parentRef='e'"), [("d.raw", disk)])),
    Wreck(
      "a capacity without a file of it", says: "inside its grain directory",
      members(Members.ovf("d.vmdk", Members.stream), [("d.vmdk", bomb())])),
    Wreck(
      "an invalid VMDK", says: "not a sparse VMDK",
      members(Members.ovf("d.vmdk", Members.stream), [("d.vmdk", disk)])),
    Wreck(
      "an invalid qcow2", says: "not a qcow2",
      members(Members.ovf("d.qcow2", Members.qcow2), [("d.qcow2", disk)])),
    Wreck(
      "an empty VMDK", says: "header",
      members(Members.ovf("d.vmdk", Members.stream), [("d.vmdk", [])])),
    Wreck(
      "a VHD", .unsupported, says: "VHD",
      members(
        Members.ovf("d.vhd", "http://go.microsoft.com/fwlink/?LinkId=137171"), [("d.vhd", disk)])),
    Wreck(
      "an unknown format", .unsupported, says: "unknown format",
      members(Members.ovf("d", "urn:x"), [("d", disk)])),
    Wreck(
      "chunks", .unsupported, says: "chunks",
      members(
        Members.ovf("d.raw", Members.raw, more: "ovf:chunkSize='1024'"),
        [("d.raw.000000000", disk)])),
    Wreck(
      "what is no gzip stream", says: "not compressed with gzip",
      members(
        Members.ovf("d.vmdk.gz", Members.stream, more: "ovf:compression='gzip'"),
        [("d.vmdk.gz", disk)])),
    Wreck(
      "a compressed qcow2", .unsupported, says: "gunzip",
      members(
        Members.ovf("d.gz", Members.qcow2, more: "ovf:compression='gzip'"), [("d.gz", disk)])),
    Wreck("a sparse member", .unsupported, says: "sparse member", TarMaker.sparse("1\n0\n512\n")),
  ]

  @Test(arguments: Self.wrecks)
  func `is refused in words`(wreck: Wreck) throws {
    for kind in [Job.OutputKind.file, .pipe] {
      try expectRefusal(wreck.bytes, wreck.code, says: wreck.words, .verify, kind)
    }
  }

  @Test func `is not what is merely odd`() throws {
    let contents: [Content] = [.disk(1, "d", Self.disk)]
    let odd: [[UInt8]] = [
      Self.members(Self.good, [("d.raw", Self.disk), ("m.cert", [1, 2]), ("other.txt", [3])]),
      Self.members(Self.good, [("./a/d.raw", Self.disk), ("m.mf", Array("\r\n\r\n".utf8))]),
      Self.members(Members.ovf("d.img", "urn:unknown"), [("d.img", Self.disk)]),
      Self.members(Members.ovf("d.raw", Members.raw, capacity: 5), [("d.raw", Self.disk)]),
      Self.manifest("MD4(d.raw)= 00"),
      Self.extents("RW 100 FLAT \"d-flat.vmdk\" 0\nRW 28 FLAT \"d-flat.vmdk\" 100"),
    ]
    for bytes in odd {
      let outcome = try applianceWorkshop.readAll(try ScratchArchive(bytes))
      #expect(outcome.code == .none, "\(outcome.message)")
      #expect(outcome.streams.map(\.name) == ["m.ovf", "d"])
      #expect(areEqual(outcome.answers.last?.bytes ?? [], contents[0].bytes))
    }
  }

  @Test func `a raw disk that begins like an image stays raw`() throws {
    var disk = Self.disk
    disk.replaceSubrange(0..<4, with: [0x51, 0x46, 0x49, 0xFB])
    let outcome = try applianceWorkshop.readAll(
      try ScratchArchive(Self.members(Self.good, [("d.raw", disk)])))
    #expect(outcome.code == .none && areEqual(outcome.answers.last?.bytes ?? [], disk))
  }

  @Test func `with a disk that is empty is read without it, and its machine has none`() throws {
    func item(_ id: Int, _ disk: String) -> String {
      """
      <Item xmlns:r="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/\
      CIM_ResourceAllocationSettingData"><r:HostResource>ovf:/disk/\(disk)</r:HostResource>\
      <r:InstanceID>\(id)</r:InstanceID><r:ResourceType>17</r:ResourceType></Item>
      """
    }
    let ovf = Self.good
      .replacing("</DiskSection>", with: "<Disk ovf:diskId='e' ovf:capacity='9'/></DiskSection>")
      .replacing(
        "</VirtualSystem>",
        with: "<VirtualHardwareSection><Info/>\(item(1, "d"))\(item(2, "e"))"
          + "</VirtualHardwareSection></VirtualSystem>")
    let file = try ScratchArchive(Self.members(ovf, [("d.raw", Self.disk)]))
    let plugin = try applianceWorkshop.startReader(file)
    let ack = try plugin.host.openArchive(.read, format: "ova", output: .file)
    #expect(ack.streams.map(\.name) == ["m.ovf", "d"] && ack.vm.name == "m")
    #expect(ack.machine?.disks.map(\.stream) == ["d", ""])
    _ = try plugin.host.finish()
    #expect(plugin.wait() == .exit(0))
  }

  @Test func `of too many members is refused`() throws {
    var maker = TarMaker()
    for number in 0..<4097 { maker.add("f\(number)") }
    try expectRefusal(maker.finished, .tooLarge, says: "4096")
  }

  @Test func `is told by the format tar to be none of its own`() throws {
    try expectFailure(
      Self.members(Self.good, [("d.raw", Self.disk)]), .unsupported, says: "--format ova")
  }
}
