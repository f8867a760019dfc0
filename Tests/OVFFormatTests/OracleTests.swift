import CommandLine
import Glibc
import OVFFormat
import System
import Testing

/// What other programs say of our descriptors.
@Suite(.inTurns) struct OracleTests {
  private static let schemas = getenv("SLUICE_ORACLES").map { String(cString: $0) + "/ovf-schema" }
    .flatMap { (path: String) -> String? in access(path, R_OK) == 0 ? path : nil }

  private static let folder: String = schemas ?? ""

  /// The schemas of DMTF know nothing of our section: an XSD of ours adds it.
  private func write(_ descriptor: OVFDescriptor, to place: Scratch) throws {
    try place.write("m.ovf", try descriptor.serialised())
    let imports = [
      ("http://www.w3.org/XML/1998/namespace", "xml.xsd"),
      ("http://schemas.dmtf.org/wbem/wscim/1/common", "common.xsd"),
      (
        "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData",
        "CIM_VirtualSystemSettingData.xsd"
      ),
      (
        "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData",
        "CIM_ResourceAllocationSettingData.xsd"
      ),
      ("http://schemas.dmtf.org/ovf/envelope/1", "DSP8023.xsd"),
    ].map { "<xs:import namespace='\($0)' schemaLocation='\(Self.folder)/\($1)'/>" }
    let ours =
      splitPath(splitPath(splitPath(#filePath).directory).directory).directory
      + "/Plugins/ova/sluice-ovf.xsd"
    let schema =
      "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' targetNamespace='urn:all'>"
      + imports.joined()
      + "<xs:import namespace='urn:sluice:ovf:1' schemaLocation='\(ours)'/></xs:schema>"
    try place.write("all.xsd", Array(schema.utf8))
  }

  @Test(
    .enabled(if: schemas != nil, "oracles: SLUICE_ORACLES has no ovf-schema"),
    .enabled(if: Build.has("xmllint"), "needs xmllint"),
    arguments: ["libvirt-xml", "proxmox-conf"])
  func `a descriptor keeps the schema of DMTF`(role: String) async throws {
    let place = try Scratch()
    var descriptor = try Appliance.descriptor(role)
    try write(descriptor, to: place)
    try await place.shell("xmllint --nonet --noout --schema all.xsd m.ovf")
    descriptor.backup = nil
    try place.write("plain.ovf", try descriptor.serialised())
    try await place.shell(
      "xmllint --nonet --noout --schema '\(Self.folder)/all.xsd' plain.ovf")
    try await place.shell(
      "sed 's/<References>/<Nonsense>/; s/<.References>/<.Nonsense>/' plain.ovf > x.ovf; "
        + "! xmllint --nonet --noout --schema '\(Self.folder)/all.xsd' x.ovf")
  }

  @Test(.enabled(if: Build.has("xmllint"), "needs xmllint"))
  func `another parser finds in it what was put in`() async throws {
    let place = try Scratch()
    try place.write("m.ovf", try Appliance.descriptor("libvirt-xml").serialised())
    let path = "string(//*[local-name()='VirtualSystem']/*[local-name()='Name'])"
    let name = try await place.shell("xmllint --nonet --xpath \"\(path)\" m.ovf")
    #expect(name.hasPrefix("db & web"))
    try await place.shell(
      """
      xmllint --nonet --xpath "string(//*[local-name()='Stream'][@name='odd'])" m.ovf \
        | base64 -d | sha256sum | cut -c1-64 > digest
      xmllint --nonet --xpath "string(//*[local-name()='Stream'][@name='odd']/@sha256)" m.ovf > told
      cmp digest told
      """)
  }
}
