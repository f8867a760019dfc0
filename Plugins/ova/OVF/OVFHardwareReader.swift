internal import Machine
internal import XML

/// The machine as the items of a descriptor have it.
struct OVFHardwareReader {
  /// Ids of the disks that hang on the machine.
  let attachedDisks: Set<String>
  private let envelope: OVFEnvelope
  private let disks: [OVFDescriptor.Disk]
  private let items: Result<[OVFItem], OVFError>

  init(_ envelope: OVFEnvelope, disks: [OVFDescriptor.Disk]) {
    self.envelope = envelope
    self.disks = disks
    items = Self.items(envelope)
    attachedDisks = Set(
      ((try? items.get()) ?? []).filter { $0.kind == .disk }.compactMap(Self.diskID))
  }

  func machine(named name: String) throws(OVFError) -> MachineDescription {
    let items = try items.get()
    var machine = MachineDescription()
    machine.name = name
    machine.system = system
    machine.processors = processors(items)
    machine.memory = memory(items)
    machine.firmware = firmware
    machine.controllers = Array(controllers(items).values)
    machine.controllers.sort { ($0.bus.rawValue, $0.index) < ($1.bus.rawValue, $1.index) }
    machine.disks = drives(items)
    machine.networkCards = cards(items)
    return machine
  }

  /// The items of the configuration that is taken if nobody chooses.
  private static func items(_ envelope: OVFEnvelope) -> Result<[OVFItem], OVFError> {
    let options = envelope.all("Configuration", in: envelope.section("DeploymentOptionSection"))
    let chosen =
      (options.first { envelope.attribute("default", of: $0) == "true" } ?? options.first)
      .flatMap { envelope.attribute("id", of: $0) }
    var items: [OVFItem] = []
    let elements = envelope.all("Item", in: envelope.section("VirtualHardwareSection"))
    for element in elements {
      if let wanted = envelope.attribute("configuration", of: element),
        !wanted.split(separator: " ").contains(where: { $0 == chosen ?? "" })
      {
        continue
      }
      do throws(OVFError) {
        if let item = try OVFItem(element, envelope) { items.append(item) }
      } catch {
        return .failure(error)
      }
    }
    return .success(items)
  }

  // MARK: Processors, memory, system, firmware

  private func processors(_ items: [OVFItem]) -> MachineDescription.Processors? {
    guard let item = items.first(where: { $0.kind == .processor }), let quantity = item.quantity,
      let count = Int(exactly: quantity), MachineLimits.processors.contains(count)
    else { return nil }
    var processors = MachineDescription.Processors(count: count)
    let given = item.extensions.first { $0.name.local == "CoresPerSocket" }?.text.trimmed
    if let cores = given.flatMap({ Int($0) }), cores > 0, count % cores == 0 {
      processors.cores = cores
      processors.sockets = count / cores
    }
    return processors
  }

  private func memory(_ items: [OVFItem]) -> UInt64? {
    guard let item = items.first(where: { $0.kind == .memory }), let quantity = item.quantity,
      let bytes = OVFUnits.bytes(quantity, of: item.allocationUnits ?? "byte * 2^20"),
      MachineLimits.memory.contains(Int64(bytes))
    else { return nil }
    return bytes
  }

  private var system: String {
    let section = envelope.section("OperatingSystemSection")
    let number = section.flatMap { envelope.attribute("id", of: $0) }.flatMap { Int($0) }
    return OVFSystem.family(number ?? 0)
  }

  /// VMware's key, or what VirtualBox says in its own section.
  private var firmware: MachineDescription.Firmware? {
    let settings =
      envelope.section("VirtualHardwareSection")?
      .all("Config", in: OVFNamespace.vmware) ?? []
    func setting(_ key: String) -> String? {
      settings.first { $0.attribute("key", in: OVFNamespace.vmware) == key }?
        .attribute("value", in: OVFNamespace.vmware)?.lowercased()
    }
    let isSecure = setting("bootOptions.efiSecureBootEnabled") == "true"
    switch setting("firmware") {
    case "efi": return .init(.efi, isSecureBoot: isSecure)
    case "bios": return .init(.bios)
    default: break
    }
    let hardware = envelope.system.first("Machine", in: OVFNamespace.virtualBox)?
      .elements.first { $0.name.local == "Hardware" }
    let type = hardware?.elements.first { $0.name.local == "Firmware" }?.attribute("type")
    guard let type else { return nil }
    return type.hasPrefix("EFI") ? .init(.efi) : .init(.bios)
  }

  // MARK: Disks

  /// Controllers by the ids of their items; the index counts those of a bus.
  private func controllers(_ items: [OVFItem]) -> [String: MachineDescription.Controller] {
    var controllers: [String: MachineDescription.Controller] = [:]
    var counts: [MachineDescription.Bus: Int] = [:]
    for item in items where controllers.count < MachineLimits.controllersMax {
      guard let bus = Self.bus(item), controllers[item.instanceID] == nil else { continue }
      let index = counts[bus, default: 0]
      counts[bus] = index + 1
      controllers[item.instanceID] = MachineDescription.Controller(
        bus: bus, index: index, model: Self.model(item))
    }
    return controllers
  }

  private static func bus(_ item: OVFItem) -> MachineDescription.Bus? {
    switch item.kind {
    case .ide: .ide
    case .scsi: .scsi
    case .sata: item.subType?.lowercased().contains("nvme") == true ? .nvme : .sata
    default: nil
    }
  }

  private static func model(_ item: OVFItem) -> String {
    let subType = item.subType?.lowercased() ?? ""
    switch subType {
    case "virtualscsi": return "pvscsi"
    case "lsilogicsas": return "lsisas1068"
    case "lsilogic": return "lsi53c1030"
    default: return MachineDescription.plainText(subType)
    }
  }

  private func drives(_ items: [OVFItem]) -> [MachineDescription.Disk] {
    let controllers = controllers(items)
    var drives: [MachineDescription.Disk] = []
    for item in items where drives.count < MachineLimits.disksMax {
      guard let media = Self.media(item) else { continue }
      let parent = item.parent.flatMap { controllers[$0] }
      let disk = media == .disk ? Self.diskID(item) : nil
      let slot = item.addressOnParent.flatMap { Int($0) }
      drives.append(
        MachineDescription.Disk(
          name: MachineDescription.plainText(disk ?? item.elementName),
          stream: disks.first { $0.id == disk }?.name ?? "",
          bus: parent?.bus ?? (media == .floppy ? .floppy : .scsi), controller: parent?.index,
          slot: slot.flatMap { MachineLimits.indices.contains($0) ? $0 : nil }, media: media))
    }
    return drives
  }

  private static func media(_ item: OVFItem) -> MachineDescription.Disk.Media? {
    switch item.kind {
    case .disk: .disk
    case .cdrom, .dvd: .cdrom
    case .floppy: .floppy
    default: nil
    }
  }

  /// The id in `ovf:/disk/ID`, `/disk/ID` or `ovf://disk/ID`.
  private static func diskID(_ item: OVFItem) -> String? {
    guard let resource = item.hostResource else { return nil }
    let parts = resource.split(separator: "/")
    guard parts.count >= 2, parts[parts.count - 2] == "disk" else { return nil }
    return String(parts[parts.count - 1])
  }

  // MARK: Network cards

  private func cards(_ items: [OVFItem]) -> [MachineDescription.NetworkCard] {
    items.filter { $0.kind == .network }.prefix(MachineLimits.networkCardsMax).map { item in
      let subType = item.subType?.split(separator: " ").first.map { $0.lowercased() } ?? ""
      return MachineDescription.NetworkCard(
        model: subType.hasPrefix("pcnet") ? "pcnet" : MachineDescription.plainText(subType),
        mac: MachineDescription.plainMAC(item.address ?? ""),
        network: MachineDescription.plainText(item.connection ?? ""))
    }
  }
}
