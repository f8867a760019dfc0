internal import Machine

extension ProxmoxFile {
  /// How many drives of a kind there can be (qm.conf(5)).
  private static let kinds: KeyValuePairs = [
    "ide": 4, "sata": 6, "scsi": 31, "virtio": 16, "efidisk": 1, "tpmstate": 1,
  ]

  private var scsiModel: String { self["scsihw"] ?? "lsi" }

  /// The disks, and by what names streams may be known as them.
  var disks: [(disk: MachineDescription.Disk, aliases: [String])] {
    let order = bootOrder
    var disks: [(disk: MachineDescription.Disk, aliases: [String])] = []
    for (kind, count) in Self.kinds {
      for index in 0..<count {
        guard let text = self["\(kind)\(index)"] else { continue }
        let value = ProxmoxValue(text)
        let name = "\(kind)\(index)"
        var disk = place(kind, index)
        disk.media = value["media"] == "cdrom" ? .cdrom : .disk
        disk.bootOrder = order.firstIndex(of: name).map { $0 + 1 }
        disk.serial = MachineDescription.plainText(value["serial"] ?? "")
        let volume = value["file"] ?? value.type ?? ""
        let file = volume.split(separator: ":").last.map(String.init) ?? ""
        disks.append((disk, ["drive-\(name)", "drive-\(name)-backup", name, file]))
      }
    }
    return disks
  }

  /// `order=scsi0;ide2;net0`
  private var bootOrder: [String] {
    (ProxmoxValue(self["boot"] ?? "")["order"] ?? "").split(separator: ";").map(String.init)
  }

  /// Where Proxmox puts a drive (qemu-server, `print_drivedevice_full`).
  private func place(_ kind: String, _ index: Int) -> MachineDescription.Disk {
    let name = "\(kind)\(index)"
    switch kind {
    case "ide":
      return .init(name: name, bus: .ide, controller: index / 2, slot: index % 2)
    case "sata": return .init(name: name, bus: .sata, controller: 0, slot: index)
    case "scsi":
      let each = scsiModel == "virtio-scsi-single" ? 1 : scsiModel.hasPrefix("lsi") ? 7 : 256
      return .init(name: name, bus: .scsi, controller: index / each, slot: index % each)
    case "virtio": return .init(name: name, bus: .virtio, slot: index)
    case "efidisk": return .init(name: name, bus: .flash)
    default: return .init(name: name, bus: .tpm)
    }
  }

  /// Proxmox makes controllers as drives need them.
  func controllers(for disks: [MachineDescription.Disk]) -> [MachineDescription.Controller] {
    var controllers: [MachineDescription.Controller] = []
    for disk in disks {
      guard let index = disk.controller,
        !controllers.contains(where: { $0.bus == disk.bus && $0.index == index })
      else { continue }
      controllers.append(.init(bus: disk.bus, index: index, model: model(disk.bus)))
    }
    return controllers
  }

  private func model(_ bus: MachineDescription.Bus) -> String {
    switch bus {
    case .sata: return "ahci"
    case .ide: return ""
    default: break
    }
    switch scsiModel {
    case "virtio-scsi-pci", "virtio-scsi-single": return "virtio-scsi"
    case "lsi": return "lsi53c895a"
    default: return MachineDescription.plainText(scsiModel)
    }
  }
}
