package import Machine

extension ToldMachine {
  /// The configuration of a machine in Proxmox VE, `/etc/pve/qemu-server/ID.conf`.
  ///
  /// Sections behind the first, of snapshots and of pending changes, are not read.
  package init(proxmoxConfiguration bytes: [UInt8]) throws(MachineFileError) {
    let file = ProxmoxFile(bytes)
    guard file.isRecognised else { throw .notProxmox }
    self.init(MachineDescription())
    description.name = MachineDescription.plainText(file["name"] ?? "")
    description.uuid = MachineDescription.plainUUID(
      ProxmoxValue(file["smbios1"] ?? "")["uuid"] ?? "")
    description.architecture = MachineDescription.plainText(file["arch"] ?? "x86_64")
    description.board = boardName(ProxmoxValue(file["machine"] ?? "").type ?? "pc")
    description.system = file.system
    description.processors = file.processors
    description.memory = file.memory
    description.firmware = file.firmware
    let disks = file.disks
    description.controllers = file.controllers(for: disks.map(\.disk))
    description.disks = disks.map(\.disk)
    aliases = disks.map(\.aliases)
    description.networkCards = file.networkCards
    try requireValid()
  }
}

/// The lines of `qemu-server.conf` before its first section (Proxmox VE, qm.conf(5)).
struct ProxmoxFile {
  private var values: [String: String] = [:]

  init(_ bytes: [UInt8]) {
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      let text = String(decoding: line, as: UTF8.self)
      if text.hasPrefix("[") { break }
      guard let colon = text.firstIndex(of: ":"), !text.hasPrefix("#") else { continue }
      let value = String(text[text.index(after: colon)...]).trimmedText
      values[String(text[..<colon])] = value
    }
  }

  subscript(key: String) -> String? { values[key] }

  /// Whether there is anything that Proxmox VE would know.
  var isRecognised: Bool { values.keys.contains(where: Self.isKnown) }

  var system: String {
    switch values["ostype"] ?? "" {
    case "l24", "l26": "linux"
    case let type where type.hasPrefix("w"): "windows"
    case "solaris": "solaris"
    default: ""
    }
  }

  /// One socket of one core, if nothing is said.
  var processors: MachineDescription.Processors? {
    let sockets = number(values["sockets"] ?? "1", in: 1...8192) ?? 1
    let cores = number(values["cores"] ?? "1", in: 1...8192) ?? 1
    let all = min(sockets * cores, MachineLimits.processors.upperBound)
    let model = ProxmoxValue(values["cpu"] ?? "")
    return MachineDescription.Processors(
      count: number(values["vcpus"] ?? "", in: 1...all) ?? all, sockets: sockets, cores: cores,
      threads: 1, model: MachineDescription.plainText(model["cputype"] ?? model.type ?? "kvm64"))
  }

  /// MiB; 512 if nothing is said.
  var memory: UInt64? {
    let value = ProxmoxValue(values["memory"] ?? "512")
    return number(value["current"] ?? value.type ?? "", in: 1...(1 << 32)).map { UInt64($0) << 20 }
  }

  var firmware: MachineDescription.Firmware {
    guard values["bios"] == "ovmf" else { return .init(.bios) }
    let variables = ProxmoxValue(values["efidisk0"] ?? "")
    return .init(.efi, isSecureBoot: variables["pre-enrolled-keys"] == "1")
  }

  /// `net0: virtio=BC:24:11:00:00:01,bridge=vmbr0`
  var networkCards: [MachineDescription.NetworkCard] {
    (0..<32).compactMap { index -> MachineDescription.NetworkCard? in
      guard let text = values["net\(index)"] else { return nil }
      let value = ProxmoxValue(text)
      let short = value.first.flatMap { part in
        MachineDescription.plainMAC(part.value).isEmpty ? nil : part
      }
      return MachineDescription.NetworkCard(
        model: MachineDescription.plainText(value["model"] ?? short?.key ?? value.type ?? ""),
        mac: MachineDescription.plainMAC(value["macaddr"] ?? short?.value ?? ""),
        network: MachineDescription.plainText(value["bridge"] ?? ""))
    }
  }
}

/// `local-lvm:vm-101-disk-0,iothread=1,size=32G`: a list of settings, the first maybe without key.
struct ProxmoxValue {
  let parts: [(key: String, value: String)]

  init(_ text: String) {
    parts = text.split(separator: ",").prefix(64).map { part in
      guard let equals = part.firstIndex(of: "=") else { return ("", String(part)) }
      return (String(part[..<equals]), String(part[part.index(after: equals)...]))
    }
  }

  /// A setting by its key.
  subscript(key: String) -> String? { parts.first { $0.key == key }?.value }

  /// The part without a key.
  var type: String? { parts.first { $0.key.isEmpty }?.value }

  var first: (key: String, value: String)? { parts.first }
}
