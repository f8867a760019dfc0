internal import XML

/// The vocabularies of a descriptor.
enum OVFNamespace {
  static let ovf = "http://schemas.dmtf.org/ovf/envelope/1"
  static let rasd =
    "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
  static let vssd =
    "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData"
  static let vmware = "http://www.vmware.com/schema/ovf"
  static let virtualBox = "http://www.virtualbox.org/ovf/machine"
  static let instance = "http://www.w3.org/2001/XMLSchema-instance"
  /// Ours: what a backup holds beyond an appliance. Described in `sluice-ovf.xsd`.
  static let sluice = "urn:sluice:ovf:1"

  static let prefixes = [
    XMLPrefix("", ovf), XMLPrefix("ovf", ovf), XMLPrefix("rasd", rasd), XMLPrefix("vssd", vssd),
    XMLPrefix("vmw", vmware), XMLPrefix("sluice", sluice),
  ]
}

extension XMLElement {
  /// An element of OVF with attributes of OVF; those without a value are left out.
  static func ovf(
    _ name: String, _ attributes: KeyValuePairs<String, String?> = [:],
    _ children: [XMLElement] = []
  ) -> XMLElement {
    XMLElement(
      XMLName(name, in: OVFNamespace.ovf),
      attributes.compactMap { key, value in
        value.map { XMLAttribute(XMLName(key, in: OVFNamespace.ovf), $0) }
      }, children.map { .element($0) })
  }

  /// An element that holds text.
  static func text(
    _ name: String, in namespace: String = OVFNamespace.ovf, _ text: String
  ) -> XMLElement {
    XMLElement(XMLName(name, in: namespace), [], [.text(text)])
  }

  mutating func append(_ element: XMLElement) { children.append(.element(element)) }
}
