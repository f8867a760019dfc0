/// Gives the drives of one machine their names in the archive.
struct DeviceNames {
  /// Longest name, in characters.
  static let characterCountMax = 64
  private var taken: Set<String> = []

  /// A unique name from what QEMU says of a drive.
  ///
  /// - Parameters:
  ///   - device: Name of the drive, empty for those that were made without one.
  ///   - qdev: Id or path of the device.
  ///   - nodeName: Node of the medium; the last resort, since it changes.
  mutating func name(device: String, qdev: String?, nodeName: String?) -> String {
    let candidates = [device, qdev.map(Self.shortened) ?? "", nodeName ?? ""]
    let base = candidates.lazy.map(Self.cleaned).first { !$0.isEmpty } ?? "disk"
    var name = base
    var number = 2
    while taken.contains(name) {
      name = "\(base.prefix(Self.characterCountMax - 6))-\(number)"
      number += 1
    }
    taken.insert(name)
    return name
  }

  /// The part of a path that people know: the id in `/machine/peripheral/ID/…`, `device3` for
  /// `/machine/peripheral-anon/device[3]/…`, `pflash0` for `/machine/system.flash0`.
  static func shortened(_ qdev: String) -> String {
    let parts = qdev.split(separator: "/")
    guard qdev.hasPrefix("/"), let last = parts.last else { return qdev }
    if parts.count > 2, parts[1] == "peripheral" || parts[1] == "peripheral-anon" {
      return String(parts[2].filter { $0 != "[" && $0 != "]" })
    }
    if last.hasPrefix("system.flash") { return "pflash" + last.dropFirst("system.flash".count) }
    return String(last.filter { $0 != "[" && $0 != "]" })
  }

  /// Letters, digits, `-`, `_` and `.` stay, except a dot at the start.
  private static func cleaned(_ name: String) -> String {
    let kept = name.prefix(characterCountMax).map { character -> Character in
      let isPlain = character.isASCII && (character.isLetter || character.isNumber)
      return isPlain || "-_.".contains(character) ? character : "-"
    }
    let text = String(kept.drop { $0 == "." || $0 == "-" })
    return text
  }
}
