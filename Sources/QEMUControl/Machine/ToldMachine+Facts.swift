package import JSON
package import Machine

extension ToldMachine {
  /// The machine as its QEMU told it: what ``GuestMachine/description`` holds, fresh or out of an
  /// archive.
  ///
  /// - Parameter facts: Of any origin; what is not as QEMU writes it is taken for unknown.
  package init(facts: JSONValue) {
    let reader = FactsReader(facts)
    self.init(MachineDescription())
    description.name = MachineDescription.plainText(facts["query-name"]?["name"]?.string ?? "")
    description.uuid = reader.uuid
    description.architecture = MachineDescription.plainText(
      facts["query-target"]?["arch"]?.string ?? "")
    description.board = reader.board
    description.processors = reader.processors
    description.memory = reader.memory
    description.controllers = reader.controllers
    let drives = reader.drives
    description.disks = drives.map(\.disk)
    aliases = drives.map(\.aliases)
    description.firmware = description.disks.contains { $0.bus == .flash } ? .init(.efi) : nil
    description.networkCards = reader.networkCards
    // Every part has its limits; together they may still be more than travels.
    if (try? MachineDescription(parsing: description.object)) == nil {
      self.init(MachineDescription())
    }
  }
}

/// Reads the parts of ``MachineFacts``.
struct FactsReader {
  private let facts: JSONValue
  /// Devices that have a name of their own, or a place among those without.
  let devices: [JSONValue]

  init(_ facts: JSONValue) {
    self.facts = facts
    devices = facts["devices"]?.array ?? []
  }

  var uuid: String {
    let uuid = MachineDescription.plainUUID(facts["query-uuid"]?["UUID"]?.string ?? "")
    return uuid.contains { $0 != "0" && $0 != "-" } ? uuid : ""
  }

  /// `q35` of `pc-q35-7.2-machine`
  var board: String {
    let type = facts["machine-type"]?.string ?? ""
    if type.contains("q35") { return "q35" }
    if type.hasPrefix("pc-") { return "i440fx" }
    return MachineDescription.plainText(String(type.split(separator: "-").first ?? ""))
  }

  var processors: MachineDescription.Processors? {
    guard let cpus = facts["query-cpus-fast"]?.array, MachineLimits.processors.contains(cpus.count)
    else { return nil }
    func distinct(_ name: String) -> Int? {
      let numbers = cpus.compactMap { $0["props"]?[name]?.integer }
      return numbers.count == cpus.count ? Set(numbers).count : nil
    }
    // `host-x86_64-cpu`
    let type = facts["cpu-type"]?.string ?? ""
    let model = type.split(separator: "-").dropLast(2).joined(separator: "-")
    return MachineDescription.Processors(
      count: cpus.count, sockets: distinct("socket-id"), cores: distinct("core-id"),
      threads: distinct("thread-id"), model: MachineDescription.plainText(model))
  }

  var memory: UInt64? {
    let summary = facts["query-memory-size-summary"]
    guard let base = summary?["base-memory"]?.integer, base >= 0 else { return nil }
    let (bytes, isOver) = base.addingReportingOverflow(summary?["plugged-memory"]?.integer ?? 0)
    return !isOver && MachineLimits.memory.contains(bytes) ? UInt64(bytes) : nil
  }

  var networkCards: [MachineDescription.NetworkCard] {
    let cards = devices.filter { $0["mac"]?.string != nil }
    return cards.prefix(MachineLimits.networkCardsMax).map { card in
      let type = card["type"]?.string ?? ""
      let model =
        type.hasPrefix("virtio-net") ? "virtio" : type.split(separator: "_").first.map(String.init)
      return MachineDescription.NetworkCard(
        model: MachineDescription.plainText(model ?? ""),
        mac: MachineDescription.plainMAC(card["mac"]?.string ?? ""))
    }
  }

  // MARK: Disks

  /// Controllers that were added to the board, by the names of their devices.
  private var added: [(name: String, controller: MachineDescription.Controller)] {
    var counts: [MachineDescription.Bus: Int] = [:]
    var added: [(name: String, controller: MachineDescription.Controller)] = []
    for device in devices where added.count < MachineLimits.controllersMax {
      guard let (bus, model) = Self.controller(device["type"]?.string ?? "") else { continue }
      let index = counts[bus, default: 0]
      counts[bus] = index + 1
      added.append(
        (device["name"]?.string ?? "", .init(bus: bus, index: index, model: model)))
    }
    return added
  }

  var controllers: [MachineDescription.Controller] { added.map(\.controller) }

  private static func controller(_ type: String) -> (MachineDescription.Bus, String)? {
    switch type {
    case let type where type.hasPrefix("virtio-scsi"): (.scsi, "virtio-scsi")
    case "lsi53c895a", "lsi53c810", "megasas", "pvscsi": (.scsi, type)
    case "megasas-gen2": (.scsi, "megasas")
    case "mptsas1068": (.scsi, "lsisas1068")
    case "am53c974", "dc390": (.scsi, type)
    case "ich9-ahci", "ahci": (.sata, "ahci")
    case "piix3-ide", "piix4-ide": (.ide, type)
    default: nil
    }
  }

  /// The drives, and by what names streams may be known as them.
  var drives: [(disk: MachineDescription.Disk, aliases: [String])] {
    var names = DeviceNames()
    var drives: [(disk: MachineDescription.Disk, aliases: [String])] = []
    let entries = facts["query-block"]?.array ?? []
    for entry in entries.prefix(DeviceInspector.deviceCountMax) {
      let backEnd = entry["device"]?.string ?? ""
      let qdev = entry["qdev"]?.string
      // As the backup names them: the same drives in the same order.
      let name = names.name(
        device: backEnd, qdev: qdev, nodeName: entry["inserted"]?["node-name"]?.string)
      let device = qdev.flatMap(device)
      guard qdev != nil, drives.count < MachineLimits.disksMax,
        let disk = disk(named: name, device, FactsBackEnd(backEnd), qdev: qdev ?? "")
      else { continue }
      drives.append((disk, [name, qdev ?? "", entry["inserted"]?["file"]?.string ?? ""]))
    }
    return drives
  }

  /// The device of a drive: its id, or the part of its path that names it.
  private func device(_ qdev: String) -> JSONValue? {
    let parts = qdev.split(separator: "/")
    let name = qdev.hasPrefix("/") ? (parts.count > 2 ? String(parts[2]) : "") : qdev
    return devices.first { $0["name"]?.string == name }
  }

  private func disk(
    named name: String, _ device: JSONValue?, _ backEnd: FactsBackEnd, qdev: String
  ) -> MachineDescription.Disk? {
    let type = device?["type"]?.string ?? ""
    let owner = self.owner(device?["parent_bus"]?.string ?? "")
    guard let bus = owner?.bus ?? bus(type, backEnd, qdev) else { return nil }
    let isOptical = type.hasSuffix("-cd") || backEnd.isOptical
    var disk = MachineDescription.Disk(
      name: name, bus: bus, controller: owner?.index,
      media: isOptical ? .cdrom : bus == .floppy ? .floppy : .disk)
    place(&disk, device, backEnd)
    disk.bootOrder = device?["bootindex"]?.integer.flatMap {
      (0..<65535).contains($0) ? Int($0) + 1 : nil
    }
    disk.serial = MachineDescription.plainText(device?["serial"]?.string ?? "")
    return disk
  }

  /// The controller whose bus a device hangs on: a bus is a child of its device.
  private func owner(_ bus: String) -> MachineDescription.Controller? {
    let parts = bus.split(separator: "/")
    guard parts.count > 2 else { return nil }
    return added.first { $0.name == parts[2] }?.controller
  }

  private func bus(
    _ type: String, _ backEnd: FactsBackEnd, _ qdev: String
  ) -> MachineDescription.Bus? {
    switch type {
    case let type where type.hasPrefix("virtio-blk"): return .virtio
    case let type where type.hasPrefix("scsi-"): return .scsi
    // The IDE of a q35 is its SATA controller.
    case let type where type.hasPrefix("ide-"): return board == "q35" ? .sata : .ide
    case "nvme": return .nvme
    case "usb-storage": return .usb
    case "floppy": return .floppy
    default: break
    }
    if qdev.contains("/system.flash") || qdev.contains("pflash") { return .flash }
    return backEnd.bus == .ide && board == "q35" ? .sata : backEnd.bus
  }

  private func place(
    _ disk: inout MachineDescription.Disk, _ device: JSONValue?, _ backEnd: FactsBackEnd
  ) {
    func number(_ name: String) -> Int? {
      device?[name]?.integer.flatMap {
        MachineLimits.indices.contains(Int(clamping: $0)) ? Int($0) : nil
      }
    }
    switch disk.bus {
    case .scsi:
      let id = number("scsi-id") ?? 0
      disk.slot = id > 0 ? id : number("lun")
    case .ide, .sata:
      let channel = device?["parent_bus"]?.string.flatMap(Self.channel)
      let isIDE = disk.bus == .ide
      if let channel {
        // A port of AHCI is a bus of its own; a channel of IDE has two places.
        disk.slot = isIDE ? number("unit") : channel
        disk.controller = isIDE ? channel : disk.controller ?? 0
      } else if let place = backEnd.place {
        disk.controller = isIDE ? place.bus : 0
        disk.slot = isIDE ? place.unit : place.bus * 2 + place.unit
      }
    default: break
    }
  }

  /// 1 of `/machine/…/ide.1`
  private static func channel(_ bus: String) -> Int? {
    guard let dot = bus.lastIndex(of: "."), let number = Int(bus[bus.index(after: dot)...]) else {
      return nil
    }
    return MachineLimits.indices.contains(number) ? number : nil
  }
}

/// The name QEMU gives to a `-drive` by its interface: `ide0-hd1`, `virtio0`, `pflash0`.
struct FactsBackEnd {
  let bus: MachineDescription.Bus?
  let isOptical: Bool
  /// 0 and 1 of `ide0-hd1`.
  let place: (bus: Int, unit: Int)?

  init(_ name: String) {
    isOptical = name.contains("-cd")
    let kinds: KeyValuePairs<String, MachineDescription.Bus> = [
      "ide": .ide, "scsi": .scsi, "virtio": .virtio, "floppy": .floppy, "pflash": .flash,
    ]
    let kind = kinds.first { kind in
      name.hasPrefix(kind.key) && name.dropFirst(kind.key.count).first?.isNumber == true
    }
    bus = kind?.value
    let parts = name.split(separator: "-")
    guard let kind, parts.count == 2, let number = Int(parts[0].dropFirst(kind.key.count)),
      let unit = Int(parts[1].dropFirst(2)), (0...255).contains(number), (0...255).contains(unit)
    else {
      place = nil
      return
    }
    place = (number, unit)
  }
}
