internal import JSON

/// A command line made of what a machine's QEMU told by QMP: a draft, for not all that makes a
/// machine can be asked for.
package struct DraftLine {
  private let facts: JSONValue
  private let record: MachineRecord
  private var words: [String] = []
  /// Other ends of devices that are there already.
  private var ends: Set<String> = []

  /// The line of a machine of which none was recorded.
  ///
  /// - Throws: `StartError` if not even the type of machine is known.
  package static func line(_ record: MachineRecord) throws(StartError) -> RecordedLine {
    guard let type = record.machineType else { throw .incomplete("the type of machine") }
    var draft = DraftLine(record)
    draft.words = [try record.emulator(), "-nodefaults", "-no-user-config", "-machine", type]
    draft.addProcessors()
    draft.addNames()
    draft.addDrives()
    for device in draft.devices { draft.add(device) }
    return RecordedLine(arguments: draft.words, directory: "", executable: "", redacted: [])
  }

  /// A recorded line with the devices that the machine got while it ran.
  package static func completed(
    _ line: RecordedLine, _ record: MachineRecord
  ) -> (line: RecordedLine, added: [String]) {
    let values = line.options.filter { $0.name == "device" }
      .map { KeyValues(parsing: $0.value ?? "", implied: "driver") }
    let known = Set(values.compactMap { $0["id"] })
    var draft = DraftLine(record)
    let late = draft.devices.filter { device in
      let name = device["name"]?.string ?? ""
      return !name.contains("[") && !known.contains(name)
    }
    for device in late { draft.add(device) }
    let whole = RecordedLine(
      arguments: line.arguments + draft.words, directory: line.directory,
      executable: line.executable, redacted: line.redacted)
    return (whole, late.compactMap { $0["name"]?.string })
  }

  private init(_ record: MachineRecord) {
    self.record = record
    facts = record.facts
  }

  /// Devices, those first whose buses others hang on.
  private var devices: [JSONValue] {
    let all = Array((facts["devices"]?.array ?? []).prefix(256))
    let owners = all.map { Self.owner($0) }
    func depth(_ index: Int, _ left: Int) -> Int {
      guard left > 0, let owner = owners[index],
        let place = all.firstIndex(where: { $0["name"]?.string == owner }), place != index
      else { return 0 }
      return 1 + depth(place, left - 1)
    }
    let depths = all.indices.map { depth($0, 8) }
    return all.indices.sorted { (depths[$0], $0) < (depths[$1], $1) }.map { all[$0] }
  }

  /// The device whose bus one hangs on: `rp1` of `/machine/peripheral/rp1/rp1`.
  private static func owner(_ device: JSONValue) -> String? {
    let parts = (device["parent_bus"]?.string ?? "").split(separator: "/")
    guard parts.count > 3, parts[1].hasPrefix("peripheral") else { return nil }
    return String(parts[2])
  }

  /// `-m` and `-smp` as the machine's own properties say, or by what there is of both.
  private mutating func addProcessors() {
    words += ["-accel", facts["query-kvm"]?["enabled"]?.bool == true ? "kvm" : "tcg"]
    if let model = record.processorModel { words += ["-cpu", model] }
    words += ["-smp", members("smp", ["cpus", "sockets", "dies", "cores", "threads", "maxcpus"])]
    words += ["-m", members("memory", ["size", "slots", "max-size"])]
    words += memoryBackEnds
  }

  /// `cpus=2,cores=2` of a property that is a list, without what is 0.
  private func members(_ property: String, _ names: [String]) -> String {
    let list = facts["machine"]?[property]
    let found = names.compactMap { name -> String? in
      guard let number = list?[name]?.integer, number > 0 else { return nil }
      let word = name == "max-size" ? "maxmem" : name
      let isUnused = word == "maxmem" && (list?["slots"]?.integer ?? 0) == 0
      return isUnused
        ? nil : "\(word)=\(number)\(property == "memory" && word != "slots" ? "B" : "")"
    }
    if !found.isEmpty { return found.joined(separator: ",") }
    if property == "smp" { return "\(max(1, facts["query-cpus-fast"]?.array?.count ?? 1))" }
    let bytes = facts["query-memory-size-summary"]?["base-memory"]?.integer ?? (128 << 20)
    return "\(max(1, bytes >> 20))"
  }

  /// Objects with the memory of the machine or of its modules, but for the one that QEMU makes.
  private var memoryBackEnds: [String] {
    let usual = facts["machine-class"]?["default-ram-id"]?.string ?? ""
    return (facts["objects"]?.array ?? []).flatMap { object -> [String] in
      guard let type = object["type"]?.string, type.hasPrefix("memory-backend-"),
        let name = object["name"]?.string, name != usual, let size = object["size"]?.integer
      else { return [] }
      let share = object["share"]?.bool == true ? ",share=on" : ""
      return ["-object", "\(type),id=\(KeyValues.doubled(name)),size=\(size)\(share)"]
    }
  }

  private mutating func addNames() {
    if let uuid = facts["query-uuid"]?["UUID"]?.string { words += ["-uuid", uuid] }
    if let name = facts["query-name"]?["name"]?.string, !name.isEmpty {
      words += ["-name", "guest=\(KeyValues.doubled(name))"]
    }
    for thread in facts["query-iothreads"]?.array ?? [] {
      guard let id = thread["id"]?.string else { continue }
      words += ["-object", "iothread,id=\(KeyValues.doubled(id))"]
    }
  }

  /// Drives that no device of the list has: those of the machine's own controllers and flash.
  private mutating func addDrives() {
    let known = Set(devices.compactMap { $0["drive"]?.string })
    for drive in record.drives where !drive.backEnd.isEmpty && !known.contains(drive.backEnd) {
      guard let place = Self.place(drive.backEnd) else { continue }
      words += ["-drive", place + (drive.isReadOnly ? ",readonly=on" : "")]
    }
  }

  /// `if=ide,bus=0,unit=1,media=disk` of `ide0-hd1`, `if=pflash,unit=0` of `pflash0`.
  private static func place(_ name: String) -> String? {
    guard let kind = ["ide", "scsi", "virtio", "floppy", "pflash"].first(where: name.hasPrefix)
    else { return nil }
    let parts = name.dropFirst(kind.count).split(separator: "-")
    guard let first = parts.first.flatMap({ Int($0) }), (0..<256).contains(first) else {
      return nil
    }
    guard parts.count == 2 else { return "if=\(kind),index=\(first)" }
    guard let unit = Int(parts[1].dropFirst(2)) else { return nil }
    let media = parts[1].hasPrefix("cd") ? "cdrom" : "disk"
    return "if=\(kind),bus=\(first),unit=\(unit),media=\(media)"
  }

  private mutating func add(_ device: JSONValue) {
    guard let type = device["type"]?.string, let name = device["name"]?.string else { return }
    var text = KeyValues.doubled(type)
    if !name.contains("[") { text += ",id=\(KeyValues.doubled(name))" }
    for member in device.object?.members ?? [] {
      guard let value = Self.setting(member.name, member.value) else { continue }
      // The name of a port, which is no name of its device.
      if member.name == StartedProperty.portName {
        text += ",name=\(KeyValues.doubled(value))"
        continue
      }
      if member.name == "addr", let place = member.value.integer {
        text += ",addr=\(String(place >> 3, radix: 16)).\(place & 7)"
        continue
      }
      switch member.name {
      case "drive": addNode(value)
      case "netdev": addEnd("-netdev", "user", value)
      case "chardev": addEnd("-chardev", "null", value)
      case "parent_bus":
        text += ",bus=" + KeyValues.doubled(value.split(separator: "/").last.map(String.init) ?? "")
        continue
      default: break
      }
      text += ",\(member.name)=\(KeyValues.doubled(value))"
    }
    words += ["-device", text]
  }

  private mutating func addNode(_ name: String) {
    guard ends.insert("drive/" + name).inserted else { return }
    let isReadOnly = record.drives.contains {
      ($0.backEnd == name || $0.node == name) && $0.isReadOnly
    }
    words += [
      "-blockdev",
      "driver=raw,node-name=\(KeyValues.doubled(name))" + (isReadOnly ? ",read-only=on" : ""),
    ]
  }

  private mutating func addEnd(_ option: String, _ kind: String, _ name: String) {
    guard ends.insert(option + "/" + name).inserted else { return }
    words += [option, "\(kind),id=\(KeyValues.doubled(name))"]
  }

  /// What an option says of a property; `nil` for what is its default, or no single value.
  private static func setting(_ name: String, _ value: JSONValue) -> String? {
    if name == "name" || name == "type" { return nil }
    switch value {
    case .string(let text): return text.isEmpty || text == "auto" ? nil : text
    case .integer(let number): return number < 0 ? nil : String(number)
    case .bool(let isOn): return isOn ? "on" : "off"
    default: return nil
    }
  }
}
