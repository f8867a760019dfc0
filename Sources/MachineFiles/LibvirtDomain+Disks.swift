internal import Machine
internal import XML

extension LibvirtDomain {
  var controllers: [MachineDescription.Controller] {
    devices("controller").compactMap { controller -> MachineDescription.Controller? in
      guard let type = controller.attribute("type"), ["ide", "sata", "scsi"].contains(type),
        let index = number(controller.attribute("index") ?? "0", in: MachineLimits.indices)
      else { return nil }
      return MachineDescription.Controller(
        bus: .init(rawValue: type), index: index,
        model: Self.model(type, controller.attribute("model") ?? ""))
    }.prefixed(MachineLimits.controllersMax)
  }

  /// libvirt's names of models as a description has them.
  private static func model(_ type: String, _ model: String) -> String {
    switch model {
    case "virtio-scsi", "virtio-transitional", "virtio-non-transitional": "virtio-scsi"
    case "lsilogic": "lsi53c895a"
    case "vmpvscsi": "pvscsi"
    case "": type == "sata" ? "ahci" : ""
    default: MachineDescription.plainText(model)
    }
  }

  /// The disks, and by what names streams may be known as them.
  var disks: [(disk: MachineDescription.Disk, aliases: [String])] {
    devices("disk").compactMap(Self.disk).prefixed(MachineLimits.disksMax)
  }

  private static func disk(
    _ element: XMLElement
  ) -> (disk: MachineDescription.Disk, aliases: [String])? {
    guard let target = element.first("target"), let name = target.attribute("dev") else {
      return nil
    }
    let bus = target.attribute("bus") ?? guessedBus(name)
    let media: MachineDescription.Disk.Media
    switch element.attribute("device") {
    case "cdrom": media = .cdrom
    case "floppy": media = .floppy
    default: media = .disk
    }
    let address = Address(element.first("address"), bus: bus, number: position(name))
    let disk = MachineDescription.Disk(
      name: MachineDescription.plainText(name), bus: plainBus(bus),
      controller: address.controllerIndex, slot: address.slot, media: media,
      bootOrder: element.first("boot")?.attribute("order").flatMap { number($0, in: 1...65535) },
      serial: MachineDescription.plainText(element.first("serial")?.text.trimmedText ?? ""))
    return (disk, aliases(element, name, address))
  }

  /// The device's name, the alias QEMU has it under, its file.
  private static func aliases(
    _ element: XMLElement, _ name: String, _ address: Address
  ) -> [String] {
    let source = element.first("source")
    let file = ["file", "dev", "name", "volume"].lazy.compactMap { source?.attribute($0) }.first
    return [name, element.first("alias")?.attribute("name"), address.alias, file].compactMap { $0 }
  }

  private static func plainBus(_ bus: String) -> MachineDescription.Bus {
    bus == "fdc" ? .floppy : MachineDescription.Bus.plain(bus)
  }

  private static func guessedBus(_ device: String) -> String {
    switch device.prefix(2) {
    case "hd": "ide"
    case "sd": "scsi"
    case "fd": "fdc"
    default: "virtio"
    }
  }

  /// What the letters of a device count: 0 for `vda`, 26 for `vdaa`.
  private static func position(_ device: String) -> Int? {
    let letters = device.utf8.dropFirst(device.hasPrefix("xvd") ? 3 : 2)
    guard (1...3).contains(letters.count), letters.allSatisfy({ (0x61...0x7A).contains($0) })
    else { return nil }
    return letters.reduce(0) { $0 * 26 + Int($1 - 0x60) } - 1
  }
}

/// Where libvirt puts a disk: as the file says it, else by the name of the device.
private struct Address {
  let bus: String
  let number: Int?
  var controller = 0
  var channel = 0
  var target = 0
  var unit = 0
  private var isKnown = true

  init(_ element: XMLElement?, bus: String, number: Int?) {
    self.bus = bus
    self.number = number
    if let element, element.attribute("type") == "drive" {
      func part(_ name: String) -> Int {
        MachineFiles.number(element.attribute(name) ?? "0", in: 0...16383) ?? 0
      }
      controller = part("controller")
      channel = part("bus")
      target = part("target")
      unit = part("unit")
    } else if let number {
      count(number)
    } else {
      isKnown = false
    }
  }

  /// libvirt's own counting (`virDomainDiskDefAssignAddress`).
  private mutating func count(_ number: Int) {
    switch bus {
    case "ide": (controller, channel, unit) = (number / 4, number % 4 / 2, number % 2)
    case "scsi": (controller, unit) = (number / 7, number % 7)
    case "sata": (controller, unit) = (number / 6, number % 6)
    case "fdc": (controller, unit) = (number / 2, number % 2)
    default: unit = number
    }
  }

  /// IDE controllers have two channels, which a description counts as controllers.
  var controllerIndex: Int? {
    guard isKnown else { return nil }
    switch bus {
    case "ide": return controller * 2 + channel
    case "scsi", "sata", "fdc": return controller
    default: return nil
    }
  }

  var slot: Int? { isKnown ? (target > 0 ? target : unit) : nil }

  /// The id that libvirt gives to the device.
  var alias: String? {
    switch bus {
    case "virtio": number.map { "virtio-disk\($0)" }
    case "usb": number.map { "usb-disk\($0)" }
    case "scsi": "scsi\(controller)-\(channel)-\(target)-\(unit)"
    case "ide", "sata", "fdc": "\(bus)\(controller)-\(channel)-\(unit)"
    default: nil
    }
  }
}

extension MachineDescription.Bus {
  /// A name of unknown origin; what is none is taken for SCSI.
  static func plain(_ name: String) -> MachineDescription.Bus {
    let letters = name.lowercased().utf8.prefix(32).filter {
      (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D
    }
    return letters.isEmpty ? .scsi : .init(rawValue: String(decoding: letters, as: UTF8.self))
  }
}

extension Array {
  /// The first `count` as an array.
  func prefixed(_ count: Int) -> [Element] { Array(prefix(count)) }
}
