internal import Hashing
internal import JSON
internal import Machine
internal import XML

/// The section of our own: every stream with its name and role, the machine in full, and small
/// configurations byte for byte. XML itself could carry neither NUL nor CR LF.
extension OVFDescriptor.Backup {
  static let sectionName = "BackupSection"

  func section(_ machine: MachineDescription) -> XMLElement {
    var section = XMLElement(
      XMLName(Self.sectionName, in: OVFNamespace.sluice),
      [.optional, XMLAttribute(XMLName("version"), "1")])
    if !machineID.isEmpty { section.attributes.append(.init(XMLName("machine"), machineID)) }
    if !instant.isEmpty { section.attributes.append(.init(XMLName("instant"), instant)) }
    section.append(.text("Info", "What the backup holds; other importers need none of it"))
    section.append(
      .text(
        "Machine", in: OVFNamespace.sluice,
        JSONValue.object(machine.object).text))
    var bytesLeft = OVFDescriptor.Stream.embeddedBytesMaxOfAll
    for stream in streams { section.append(stream.element(&bytesLeft)) }
    return section
  }

  /// The section of a descriptor of ours.
  ///
  /// - Throws: `OVFError` if it is not as ``section(_:)`` makes it.
  init(_ section: XMLElement) throws(OVFError) {
    guard section.attribute("version") == "1" else {
      throw .member(element: Self.sectionName, name: "version")
    }
    self.init(
      machineID: MachineDescription.plainText(section.attribute("machine") ?? ""),
      instant: MachineDescription.plainText(section.attribute("instant") ?? ""))
    let elements = section.all("Stream")
    guard elements.count <= OVFDescriptor.countMax else { throw .tooMany("streams") }
    for element in elements {
      streams.append(try OVFDescriptor.Stream(element))
    }
    try requireUnique(streams.map(\.name), "Stream")
  }

  /// The machine in full, if the section has it.
  static func machine(_ section: XMLElement) throws(OVFError) -> MachineDescription? {
    guard let text = section.first("Machine")?.text else { return nil }
    guard let object = (try? JSONValue(parsing: Array(text.utf8)))?.object,
      let machine = try? MachineDescription(parsing: object)
    else { throw .member(element: sectionName, name: "Machine") }
    return machine
  }
}

extension OVFDescriptor.Stream {
  fileprivate func element(_ bytesLeft: inout Int) -> XMLElement {
    var element = XMLElement(XMLName("Stream", in: OVFNamespace.sluice))
    let attributes: KeyValuePairs = [
      "name": name, "kind": kind, "role": role, "size": String(size), "file": fileID,
    ]
    element.attributes = attributes.map { XMLAttribute(XMLName($0.key), $0.value) }
    guard let content else { return element }
    element.attributes.append(.init(XMLName("sha256"), Self.digest(content)))
    if content.count <= min(Self.embeddedBytesMax, bytesLeft) {
      bytesLeft -= content.count
      element.attributes.append(.init(XMLName("encoding"), "base64"))
      if !content.isEmpty { element.children = [.text(Base64.encode(content))] }
    }
    return element
  }

  fileprivate init(_ element: XMLElement) throws(OVFError) {
    func value(_ name: String) throws(OVFError) -> String {
      guard let value = element.attribute(name), !value.isEmpty else {
        throw .member(element: "Stream", name: name)
      }
      return value
    }
    guard let size = UInt64(try value("size")), size <= 1 << 53 else {
      throw .member(element: "Stream", name: "size")
    }
    self.init(
      name: try value("name"), kind: try value("kind"), role: try value("role"), size: size,
      fileID: try value("file"))
    guard element.attribute("encoding") == "base64" else { return }
    guard let bytes = Base64.decode(element.text), UInt64(bytes.count) == size,
      element.attribute("sha256") == Self.digest(bytes)
    else { throw .embedded(name) }
    content = bytes
  }

  private static func digest(_ bytes: [UInt8]) -> String {
    var hash = SHA256()
    hash.update(bytes)
    return hash.finish().map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined()
  }
}
