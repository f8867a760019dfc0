internal import Machine
internal import XML

/// The elements of an envelope, wherever its author put them.
///
/// VirtualBox, VMware and virt tools write `VirtualSystem` and sections under their own names;
/// oVirt writes `Content` and `Section` with an `xsi:type`, ends the namespace with a slash, and
/// puts the root alone into it.
struct OVFEnvelope {
  let root: XMLElement
  let system: XMLElement
  private let namespace: String

  /// - Throws: `OVFError` for what is no OVF 1.x of exactly one machine.
  init(_ root: XMLElement) throws(OVFError) {
    guard root.name.local == "Envelope" else { throw .notAnEnvelope(root.name.local) }
    let namespace = root.name.namespace
    guard namespace == OVFNamespace.ovf || namespace == OVFNamespace.ovf + "/" else {
      throw .version(namespace)
    }
    (self.root, self.namespace) = (root, namespace)
    let systems = Self.systems(below: root)
    guard systems.count == 1 else {
      throw .systems(systems.map { Self.id(of: $0, namespace) })
    }
    system = systems[0]
  }

  /// The machines of an envelope, those in collections too.
  private static func systems(below element: XMLElement) -> [XMLElement] {
    element.elements.flatMap { child -> [XMLElement] in
      let kind = Self.type(of: child)
      if kind == "VirtualSystemCollection" { return systems(below: child) }
      return kind == "VirtualSystem" || child.name.local == "Content" ? [child] : []
    }
  }

  private static func id(of system: XMLElement, _ namespace: String) -> String {
    MachineDescription.plainText(
      system.attribute("id", in: namespace) ?? system.attribute("id") ?? "")
  }

  /// `VirtualSystem` for both `<VirtualSystem>` and `xsi:type="ovf:VirtualSystem_Type"`.
  private static func type(of element: XMLElement) -> String {
    guard let type = element.attribute("type", in: OVFNamespace.instance) else {
      return element.name.local
    }
    let local = type.split(separator: ":").last ?? ""
    return String(local.hasSuffix("_Type") ? local.dropLast(5) : local)
  }

  /// A section of the envelope or of the machine.
  func section(_ type: String) -> XMLElement? {
    (root.elements + system.elements).first { Self.type(of: $0) == type }
  }

  /// An element directly below another that is called so in OVF.
  func all(_ local: String, in element: XMLElement?) -> [XMLElement] {
    element?.elements.filter { isOurs($0, local) } ?? []
  }

  func text(_ local: String, in element: XMLElement) -> String? {
    element.elements.first { isOurs($0, local) }?.text.trimmed
  }

  private func isOurs(_ element: XMLElement, _ local: String) -> Bool {
    element.isNamed(local, in: namespace) || element.isNamed(local, in: "")
  }

  /// An attribute of OVF; those of some authors have no namespace.
  func attribute(_ local: String, of element: XMLElement) -> String? {
    element.attribute(local, in: namespace) ?? element.attribute(local)
  }
}

extension String {
  /// Without white space at its ends.
  var trimmed: String {
    let isSpace: (Character) -> Bool = { $0.isWhitespace }
    return String(
      drop(while: isSpace).reversed().drop(while: isSpace).reversed())
  }
}
