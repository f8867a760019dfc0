internal import XML

extension OVFItem {
  /// Reads an item; `nil` for what is no device of its own, such as a bound of another.
  ///
  /// - Throws: `OVFError` for an item without type or id.
  init?(_ element: XMLElement, _ envelope: OVFEnvelope) throws(OVFError) {
    if let bound = envelope.attribute("bound", of: element), bound != "normal" { return nil }
    func value(_ name: String) -> String? {
      element.first(name, in: OVFNamespace.rasd)?.text.trimmed
    }
    guard let type = value("ResourceType").flatMap({ Int($0) }) else {
      throw .member(element: "Item", name: "ResourceType")
    }
    // oVirt writes "InstanceId".
    guard let id = value("InstanceID") ?? value("InstanceId") else {
      throw .member(element: "Item", name: "InstanceID")
    }
    self.init(.other, id: 0, value("ElementName") ?? value("Caption") ?? "")
    self.type = type
    instanceID = id
    address = value("Address") ?? value("MACAddress")
    addressOnParent = value("AddressOnParent")
    allocationUnits = value("AllocationUnits")
    connection = value("Connection")
    hostResource = value("HostResource")
    parent = value("Parent")
    subType = value("ResourceSubType")
    quantity = value("VirtualQuantity").flatMap { UInt64($0) }
    extensions = element.elements.filter { $0.name.namespace == OVFNamespace.vmware }
  }
}
