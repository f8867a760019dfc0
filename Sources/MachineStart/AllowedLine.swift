internal import System

/// The command line of a recorded machine, built anew of what a list allows.
///
/// The archive may be hostile: whatever names a file, process, socket, network or device of the
/// host is left out or made anew, and all that is left out is told. What the guest had stays in the
/// same order with the same names, since QEMU loads a machine's memory and devices by them.
package struct AllowedLine {
  /// An option and its value.
  package private(set) var words: [[ScriptWord]] = []
  /// What the machine had and the script has not, one line for people each.
  package private(set) var leftOut: [String] = []
  let hasMemory: Bool
  var drives: DriveBook
  /// Names of the recorded options.
  let names: Set<String>
  /// Names of what the script has: of objects, netdevs, chardevs, audiodevs, drives and nodes.
  var parts: Set<String> = []

  /// - Parameters:
  ///   - line: That of the record, or one made of the rest of it.
  ///   - hasMemory: Whether memory and devices will be loaded.
  package init(
    _ line: RecordedLine, of record: MachineRecord, _ disks: [RestoredDisk], hasMemory: Bool
  ) {
    self.hasMemory = hasMemory
    let options = line.options
    names = Set(options.map(\.name))
    drives = DriveBook(record, disks, options)
    // What others refer to is known before them: QEMU too takes it in an order of its own.
    let isCarrier = { (option: LineOption) in Self.carriers.contains(option.name) }
    for option in options where isCarrier(option) { take(option) }
    for option in options where !isCarrier(option) { take(option) }
  }

  private static let carriers: Set = [
    "object", "netdev", "chardev", "audiodev", "blockdev", "drive", "", "hda", "hdb", "hdc", "hdd",
    "cdrom", "fda", "fdb", "pflash",
  ]

  private mutating func take(_ option: LineOption) {
    let value = option.value ?? ""
    guard let rule = OptionRule.of(option.name) else { return omit(option, "") }
    guard isPlain(value), value.utf8.count <= 4096 else {
      return omit(option, "it has control characters, or is too long")
    }
    switch rule {
    case .alone: words.append([ScriptWord("-" + option.name)])
    case .plain: Self.isPlainList(value) ? add(option.name, value) : omit(option, "")
    case .word(let known): known.contains(value) ? add(option.name, value) : omit(option, "")
    case .members(let implied, let known): takeMembers(option, implied, known)
    case .ours: break
    case .firmwareDirectory: Firmware.isDirectory(value) ? add("L", value) : omit(option, "")
    case .firmware:
      Firmware.isFile(value)
        ? add(option.name, value) : omit(option, "not below a directory of firmware")
    case .part: takePart(option, value)
    }
  }

  private mutating func takePart(_ option: LineOption, _ value: String) {
    switch option.name {
    case "machine", "M": takeMachine(value)
    case "numa": takeNUMA(option, value)
    case "smbios": takeSMBIOS(option, value)
    case "global": takeGlobal(option, value)
    case "device": takeDevice(value)
    case "object": takeObject(value)
    case "netdev": takeNetwork(value)
    case "nic", "net": takeOldNetwork(option, value)
    case "chardev": takeCharacterDevice(value)
    case "serial", "parallel": takePort(option, value)
    case "audiodev": takeAudio(value)
    case "nographic": takeNoGraphic()
    case "blockdev": takeNode(value)
    case "drive": takeDrive(KeyValues(parsing: value), option)
    default: takeOldDrive(option, value)
    }
  }

  /// Those members of a list that may be there.
  private mutating func takeMembers(_ option: LineOption, _ implied: String, _ known: Set<String>) {
    let all = KeyValues(parsing: option.value ?? "", implied: implied)
    let kept = all.keeping { known.contains($0) }
    tellMissing(option.name, "", all, kept)
    if !kept.pairs.isEmpty { add(option.name, kept.text()) }
  }

  // What all parts are added with.

  mutating func add(_ option: String, _ value: String) { add(option, ScriptWord(value)) }

  mutating func add(_ option: String, _ value: ScriptWord) {
    words.append([ScriptWord("-" + option), value])
  }

  mutating func omit(_ option: LineOption, _ reason: String) {
    omit(option.words.joined(separator: " "), reason)
  }

  mutating func omit(_ what: String, _ reason: String) {
    let text = cleaned(what)
    leftOut.append(reason.isEmpty ? text : "\(text): \(reason)")
  }

  /// Tells which members of a part were left out.
  mutating func tellMissing(
    _ option: String, _ name: String, _ all: KeyValues, _ kept: KeyValues
  ) {
    let names = all.pairs.map(\.name).filter { kept[$0] == nil }
    guard !names.isEmpty else { return }
    let of = name.isEmpty ? "" : " \(name)"
    omit("-\(option)\(of): \(names.joined(separator: ", "))", "")
  }

  /// Letters, digits and what QEMU uses between them.
  static func isPlainList(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { isLetterOrDigit($0) || "_-+.,:=".utf8.contains($0) }
  }

  /// Whether a text may be the name of a part.
  static func isName(_ text: String) -> Bool {
    (1...128).contains(text.utf8.count)
      && text.utf8.allSatisfy { isLetterOrDigit($0) || "_-.:".utf8.contains($0) }
  }

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }
}
