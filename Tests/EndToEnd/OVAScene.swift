import CommandLine
import Glibc
import System
import Testing

/// Appliances, and what other programs say of them.
struct OVAScene {
  static let hasTools = ["tar", "bsdtar", "7z", "python3", "qemu-img"].allSatisfy(Build.has)
  /// The schemas of DMTF.
  static let schemas = getenv("SLUICE_ORACLES").map { String(cString: $0) + "/ovf-schema" }
    .flatMap { (path: String) -> String? in access(path, R_OK) == 0 ? path : nil }

  let trip: RoundTrip
  var place: Scratch { trip.place }

  init() throws { trip = try RoundTrip() }

  /// `sluice backup --image …` to `x.ova`; it must succeed without a trace.
  func backUp(_ images: [String], _ more: [String] = []) async throws {
    trip.expectSuccess(
      try await trip.run(
        ["backup", "--vm-name", "Web server"] + images.flatMap { ["--image", $0] } + more
          + ["--to", "ova=x.ova"]))
  }

  /// `sluice backup` must refuse, with a status and words, and leave nothing.
  func expectRefusal(_ arguments: [String], status: Int32, says words: String) async throws {
    let finding = try await trip.run(["backup"] + arguments)
    #expect(finding.status == status && finding.errors.contains(words), "\(finding.errors)")
    #expect(try !place.names().contains { $0.contains("x.ova") })
  }

  /// An archive is an appliance of these members in their order, plain and whole by everybody's
  /// account; afterwards they are in `out`.
  func expectMembers(_ names: [String], of archive: String = "x.ova") async throws {
    try place.write("kinds.py", Array(Self.kinds.utf8))
    try await place.shell(
      """
      set -e
      test "$(tar -tf \(archive) | paste -sd' ')" = '\(names.joined(separator: " "))'
      python3 kinds.py \(archive)
      7z t -ttar \(archive) > said
      rm -rf out && mkdir out && tar -C out -xf \(archive)
      for by in 'bsdtar -xf' 'python3 -m tarfile -e'; do
        rm -rf other && mkdir other && (cd other && $by ../\(archive)) && diff -r out other
      done
      sed 's/^SHA256(\\(.*\\))= \\(.*\\)$/\\2  \\1/' out/*.mf > sums
      (cd out && sha256sum -c --strict --quiet ../sums)
      test "$(cut -c67- sums | paste -sd' ')" = '\(names.dropLast().joined(separator: " "))'
      """)
  }

  /// A member of `out` is what an image is, by QEMU, and without a fault.
  func expectDisk(_ member: String, is image: String, format: String = "raw") async throws {
    let isVMDK = member.hasSuffix(".vmdk")
    try await place.shell(
      """
      set -e
      qemu-img compare -f \(isVMDK ? "vmdk" : "qcow2") -F \(format) out/\(member) \(image)
      \(isVMDK ? "7z t out/\(member)" : "qemu-img check out/\(member)")
      """)
  }

  /// The schema of an envelope with our section in it.
  func writeSchema(_ name: String, schemas: String) throws {
    let root = VMAScene.support.split(separator: "/").dropLast(2).reduce("") { "\($0)/\($1)" }
    let parts = [
      ("http://www.w3.org/XML/1998/namespace", "xml"),
      ("http://schemas.dmtf.org/wbem/wscim/1/common", "common"),
      (Self.cim + "CIM_VirtualSystemSettingData", "CIM_VirtualSystemSettingData"),
      (Self.cim + "CIM_ResourceAllocationSettingData", "CIM_ResourceAllocationSettingData"),
      ("http://schemas.dmtf.org/ovf/envelope/1", "DSP8023"),
    ].map { ($0.0, "\(schemas)/\($0.1).xsd") }
    let all = parts + [("urn:sluice:ovf:1", "\(root)/Plugins/ova/sluice-ovf.xsd")]
    let imports = all.map { "<xs:import namespace='\($0.0)' schemaLocation='\($0.1)'/>" }
    let start = "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' targetNamespace='urn:all'>"
    try place.write(name, Array((start + imports.joined() + "</xs:schema>").utf8))
  }

  private static let cim = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"

  /// Plain files, without the records that importers do not know.
  private static let kinds = """
    import sys, tarfile
    archive = tarfile.open(sys.argv[1])
    for member in archive:
        assert member.type == tarfile.REGTYPE and not member.pax_headers, member.name
        assert (member.mode, member.uid, member.uname) == (0o644, 0, "root"), member.name
    """
}
