internal import Machine
internal import XML

/// `VirtualHardwareSection`: the machine as items.
struct OVFHardware {
  private let descriptor: OVFDescriptor
  private var items: [OVFItem] = []

  init(of descriptor: OVFDescriptor) {
    self.descriptor = descriptor
    addProcessors()
    addMemory()
    addDisks()
    addNetworkCards()
  }

  private var machine: MachineDescription { descriptor.machine }
  private var nextID: Int { items.count + 1 }

  func section(named name: String) -> XMLElement {
    var section = XMLElement.ovf("VirtualHardwareSection")
    section.append(.text("Info", "The hardware of the machine"))
    section.append(system(name))
    for item in items { section.append(item.element) }
    for element in firmware { section.append(element) }
    return section
  }

  private func system(_ name: String) -> XMLElement {
    var system = XMLElement.ovf("System")
    let children: KeyValuePairs = [
      "ElementName": "Virtual Hardware Family", "InstanceID": "0",
      "VirtualSystemIdentifier": name, "VirtualSystemType": "vmx-10",
    ]
    for (name, value) in children {
      system.append(.text(name, in: OVFNamespace.vssd, value))
    }
    return system
  }

  // MARK: Processors, memory, firmware

  /// An importer needs a number: one processor where nothing is known.
  private mutating func addProcessors() {
    let count = machine.processors?.count ?? 1
    var item = OVFItem(.processor, id: nextID, "\(count) virtual CPU")
    item.allocationUnits = "hertz * 10^6"
    item.description = "Number of virtual CPUs"
    item.quantity = UInt64(count)
    if let cores = coresPerSocket {
      var element = XMLElement.text(
        "CoresPerSocket", in: OVFNamespace.vmware, String(cores))
      element.attributes = [.optional]
      item.extensions = [element]
    }
    items.append(item)
  }

  /// VMware knows no threads: each counts as a core.
  private var coresPerSocket: Int? {
    guard let processors = machine.processors, let cores = processors.cores else { return nil }
    let each = cores * (processors.threads ?? 1)
    return processors.count % each == 0 ? each : nil
  }

  /// 1 GiB where nothing is known.
  private mutating func addMemory() {
    let mebibytes = ((machine.memory ?? 1 << 30) + (1 << 20) - 1) >> 20
    var item = OVFItem(.memory, id: nextID, "\(mebibytes) MiB of memory")
    item.allocationUnits = "byte * 2^20"
    item.description = "Memory Size"
    item.quantity = mebibytes
    items.append(item)
  }

  private var firmware: [XMLElement] {
    guard let firmware = machine.firmware else { return [] }
    var settings = [Self.setting("firmware", firmware.kind.rawValue)]
    if firmware.isSecureBoot {
      settings.append(Self.setting("bootOptions.efiSecureBootEnabled", "true"))
    }
    return settings
  }

  private static func setting(_ key: String, _ value: String) -> XMLElement {
    XMLElement(
      XMLName("Config", in: OVFNamespace.vmware),
      [
        .optional, XMLAttribute(XMLName("key", in: OVFNamespace.vmware), key),
        XMLAttribute(XMLName("value", in: OVFNamespace.vmware), value),
      ])
  }

  // MARK: Disks

  /// Controllers come before what hangs on them.
  private mutating func addDisks() {
    var placement = OVFPlacement(machine)
    let disks = descriptor.disks.filter(\.isAttached)
    let places = disks.map { placement.place(described($0)) }
    let drives = machine.disks.filter { $0.media == .cdrom && ($0.bus == .ide || $0.bus == .sata) }
    let drivePlaces = drives.map { placement.place($0) }
    let first = nextID
    for controller in placement.controllers { items.append(item(controller)) }
    for (disk, place) in zip(disks, places) {
      var item = OVFItem(.disk, id: nextID, disk.name)
      item.hostResource = "ovf:/disk/\(disk.id)"
      hang(&item, place, first)
    }
    for (drive, place) in zip(drives, drivePlaces) {
      var item = OVFItem(.cdrom, id: nextID, drive.name.isEmpty ? "CD-ROM" : drive.name)
      item.automaticAllocation = false
      item.isOptional = true
      hang(&item, place, first)
    }
  }

  /// What the machine says of a disk; one that it does not know is a SCSI disk.
  private func described(_ disk: OVFDescriptor.Disk) -> MachineDescription.Disk {
    machine.disks.first { $0.stream == disk.name }
      ?? MachineDescription.Disk(name: disk.name, bus: .scsi)
  }

  private mutating func hang(_ item: inout OVFItem, _ place: OVFPlacement.Place, _ first: Int) {
    item.parent = String(first + place.controller)
    item.addressOnParent = String(place.slot)
    items.append(item)
  }

  private func item(_ controller: OVFPlacement.Controller) -> OVFItem {
    let name =
      switch controller.kind {
      case .ide: "IDE controller"
      case .sata: "SATA controller"
      default: "SCSI controller"
      }
    var item = OVFItem(controller.kind, id: nextID, "\(name) \(controller.address)")
    item.address = String(controller.address)
    item.subType = controller.subType
    return item
  }

  // MARK: Network cards

  private mutating func addNetworkCards() {
    for (index, card) in machine.networkCards.enumerated() {
      var item = OVFItem(.network, id: nextID, "Network card \(index)")
      item.address = card.mac.isEmpty ? nil : card.mac
      item.addressOnParent = String(index)
      item.automaticAllocation = true
      item.connection = card.connection
      item.subType = Self.subType(card.model)
      items.append(item)
    }
  }

  /// What every importer knows; the rest becomes the card that most guests have a driver for.
  private static func subType(_ model: String) -> String {
    switch model {
    case "e1000e": "E1000e"
    case "vmxnet3": "VmxNet3"
    case "pcnet": "PCNet32"
    default: "E1000"
    }
  }
}

extension XMLAttribute {
  /// `ovf:required="false"`
  static let optional = XMLAttribute(XMLName("required", in: OVFNamespace.ovf), "false")
}
