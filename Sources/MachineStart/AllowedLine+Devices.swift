internal import System

// Devices of the guest, and the other ends of its cables.
extension AllowedLine {
  mutating func takeDevice(_ value: String) {
    let all = KeyValues(parsing: value, implied: "driver")
    let (type, id) = (all["driver"] ?? "", all["id"] ?? "")
    let name = "-device \(type)\(id.isEmpty ? "" : " \(id)")"
    guard DeviceRules.isKnown(type: type), id.isEmpty || Self.isName(id) else {
      return omit(name, "")
    }
    if let drive = all["drive"], !parts.contains(drive), !Self.canBeEmpty(type) {
      return omit(name, "its disk \(drive) was not restored")
    }
    let kept = all.keeping { member in
      let setting = all[member] ?? ""
      if member == "driver" { return true }
      if DeviceRules.references.contains(member) { return parts.contains(setting) }
      // Without one QEMU loads none: any other is a file of the host.
      if member == "romfile" { return setting.isEmpty }
      return DeviceRules.isKnown(property: member)
    }
    // A port without its other end is no port.
    if let missing = ["chardev", "memdev"].first(where: { all[$0] != nil && kept[$0] == nil }) {
      return omit(name, "its \(missing) is not there")
    }
    tellMissing("device", "\(type)\(id.isEmpty ? "" : " \(id)")", all, kept)
    add("device", kept.text(implied: "driver"))
  }

  /// Whether a device is there without a medium, too.
  private static func canBeEmpty(_ type: String) -> Bool {
    ["ide-cd", "scsi-cd", "floppy"].contains(type)
  }

  /// A network that leads nowhere.
  ///
  /// A card whose offloads its guest had agreed upon with a tap device is loaded with a tap device
  /// only: it gets one that nothing is connected to.
  mutating func takeNetwork(_ value: String) {
    let all = KeyValues(parsing: value, implied: "type")
    let (type, id) = (all["type"] ?? "", all["id"] ?? "")
    guard Self.isName(id) else { return omit("-netdev \(type) \(id)", "") }
    parts.insert(id)
    if hasMemory && ["tap", "bridge", "vhost-vdpa"].contains(type) {
      let queues = all["queues"].flatMap { (1...256).contains(Int($0) ?? 0) ? $0 : nil }
      omit(
        "-netdev \(type) \(id)", "a tap device that nothing is connected to is in its place")
      return add(
        "netdev",
        "tap,id=\(id),script=no,downscript=no" + (queues.map { ",queues=\($0)" } ?? ""))
    }
    if type == "user" {
      let kept = all.keeping { OptionRule.userNetwork.contains($0) }
      tellMissing("netdev", "user \(id)", all.keeping { $0 != "type" && $0 != "restrict" }, kept)
      let members = kept.text()
      return add("netdev", "user,restrict=on,\(members)")
    }
    omit("-netdev \(type) \(id)", "a network that leads nowhere is in its place")
    add("netdev", "user,restrict=on,id=\(id)")
  }

  /// `-nic` and `-net`, which make a card too.
  mutating func takeOldNetwork(_ option: LineOption, _ value: String) {
    let all = KeyValues(parsing: value, implied: "type")
    let type = all["type"] ?? ""
    if type == "none" { return add(option.name, "none") }
    let card = all.keeping {
      ["model", "mac", "macaddr", "addr", "vectors", "netdev"].contains($0)
    }
    guard card.pairs.allSatisfy({ Self.isPlainList($0.value) }),
      all["netdev"].map({ parts.contains($0) }) ?? true,
      all["model"].map({ DeviceRules.isKnown(type: $0) || $0 == "virtio" }) ?? true
    else { return omit(option, "") }
    let members = card.pairs.isEmpty ? "" : "," + card.text()
    if option.name == "net" && type == "nic" { return add("net", "nic\(members)") }
    omit(option, "a network that leads nowhere is in its place")
    add(option.name, "user,restrict=on" + (option.name == "nic" ? members : ""))
  }

  /// What reads nothing and keeps nothing, under the name that devices know.
  mutating func takeCharacterDevice(_ value: String) {
    let all = KeyValues(parsing: value, implied: "backend")
    guard let id = all["id"], Self.isName(id) else { return omit("-chardev \(value)", "") }
    parts.insert(id)
    add("chardev", "null,id=\(id)")
    if all["backend"] != "null" {
      omit("-chardev \(all["backend"] ?? "") \(id)", "nothing is connected to it")
    }
  }

  mutating func takePort(_ option: LineOption, _ value: String) {
    if value == "none" { return add(option.name, "none") }
    if value.hasPrefix("chardev:"), parts.contains(String(value.dropFirst(8))) {
      return add(option.name, value)
    }
    add(option.name, "null")
    if value != "null" { omit(option, "nothing is connected to it") }
  }

  mutating func takeAudio(_ value: String) {
    guard let id = KeyValues(parsing: value, implied: "driver")["id"], Self.isName(id) else {
      return omit("-audiodev \(value)", "")
    }
    parts.insert(id)
    add("audiodev", "none,id=\(id)")
  }

  /// What it stands for, but for the terminal.
  mutating func takeNoGraphic() {
    if names.isDisjoint(with: ["serial", "nodefaults"]) { add("serial", "null") }
    if names.isDisjoint(with: ["parallel", "nodefaults"]) { add("parallel", "none") }
  }
}
