// The machine itself: its type, memory, processors and tables.
extension AllowedLine {
  mutating func takeMachine(_ value: String) {
    let all = KeyValues(parsing: value, implied: "type")
    let kept = all.keeping { name in
      guard OptionRule.machine.contains(name), let value = all[name] else { return false }
      switch name {
      case "pflash0", "pflash1", "memory-backend": return parts.contains(value)
      default: return Self.isPlainList(value)
      }
    }
    tellMissing("machine", "", all, kept)
    if !kept.pairs.isEmpty { add("machine", kept.text(implied: "type")) }
  }

  mutating func takeObject(_ value: String) {
    let all = KeyValues(parsing: value, implied: "qom-type")
    let (type, id) = (all["qom-type"] ?? "", all["id"] ?? "")
    guard let known = OptionRule.objects[type], Self.isName(id) else {
      return omit("-object \(type) \(id)", "")
    }
    var kept = all.keeping { known.contains($0) || $0 == "id" || $0 == "qom-type" }
    guard kept.pairs.allSatisfy({ Self.isPlainList($0.value) }) else {
      return omit("-object \(type) \(id)", "")
    }
    tellMissing("object", "\(type) \(id)", all, kept)
    if let other = OptionRule.substitutes[type] { kept["qom-type"] = other }
    parts.insert(id)
    add("object", kept.text(implied: "qom-type"))
  }

  mutating func takeNUMA(_ option: LineOption, _ value: String) {
    let all = KeyValues(parsing: value, implied: "type")
    let isKnown = all.pairs.allSatisfy { pair in
      guard OptionRule.numa.contains(pair.name), Self.isPlainList(pair.value) else { return false }
      return pair.name != "memdev" || parts.contains(pair.value)
    }
    // A part of a node is no node: all of it, or none.
    isKnown ? add("numa", all.text(implied: "type")) : omit(option, "")
  }

  /// Tables of text and numbers; the first member is the type.
  mutating func takeSMBIOS(_ option: LineOption, _ value: String) {
    let all = KeyValues(parsing: value)
    guard let type = all["type"], type.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      !type.isEmpty
    else { return omit(option, "") }
    let kept = all.keeping { $0 != "file" && $0 != "path" && Self.isName($0) }
    tellMissing("smbios", "type \(type)", all, kept)
    add("smbios", kept.text())
  }

  /// `driver.property=value`, or the three as members.
  mutating func takeGlobal(_ option: LineOption, _ value: String) {
    let all = KeyValues(parsing: value)
    var (driver, property, setting) = (all["driver"], all["property"], all["value"])
    if driver == nil, all.pairs.count == 1, let pair = all.pairs.first {
      let parts = pair.name.split(separator: ".", maxSplits: 1)
      if parts.count == 2 {
        (driver, property, setting) = (String(parts[0]), String(parts[1]), pair.value)
      }
    }
    guard let driver, let property, let setting, Self.isPlainList(setting),
      OptionRule.globalDrivers.contains(driver) || DeviceRules.isKnown(type: driver),
      OptionRule.globalProperties.contains(property) || DeviceRules.isKnown(property: property)
    else { return omit(option, "") }
    add("global", "driver=\(driver),property=\(property),value=\(setting)")
  }
}
