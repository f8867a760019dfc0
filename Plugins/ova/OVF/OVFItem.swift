internal import XML

/// One `Item` of the hardware: a device in the words of CIM.
struct OVFItem {
  /// The kinds of devices that we write or understand.
  enum Kind: Int {
    case other = 1
    case processor = 3
    case memory = 4
    case ide = 5
    case scsi = 6
    case network = 10
    case floppy = 14
    case cdrom = 15
    case dvd = 16
    case disk = 17
    case sata = 20
    case usb = 23
  }

  var type: Int
  var instanceID: String
  var elementName: String
  var address: String?
  var addressOnParent: String?
  var allocationUnits: String?
  var automaticAllocation: Bool?
  var connection: String?
  var description: String?
  var hostResource: String?
  var parent: String?
  var subType: String?
  var quantity: UInt64?
  /// An importer that does not know the device may leave it out.
  var isOptional = false
  /// Foreign elements, which stand at the end.
  var extensions: [XMLElement] = []

  init(_ kind: Kind, id: Int, _ elementName: String) {
    type = kind.rawValue
    instanceID = String(id)
    self.elementName = elementName
  }

  var kind: Kind { Kind(rawValue: type) ?? .other }
}

extension OVFItem {
  /// The schema has the children in the order of their names.
  var element: XMLElement {
    var item = XMLElement.ovf("Item", ["required": isOptional ? "false" : nil])
    let children: KeyValuePairs<String, String?> = [
      "Address": address, "AddressOnParent": addressOnParent, "AllocationUnits": allocationUnits,
      "AutomaticAllocation": automaticAllocation.map { $0 ? "true" : "false" },
      "Connection": connection, "Description": description, "ElementName": elementName,
      "HostResource": hostResource, "InstanceID": instanceID, "Parent": parent,
      "ResourceSubType": subType, "ResourceType": String(type),
      "VirtualQuantity": quantity.map { String($0) },
    ]
    for (name, value) in children {
      if let value { item.append(.text(name, in: OVFNamespace.rasd, value)) }
    }
    for element in extensions { item.append(element) }
    return item
  }
}
