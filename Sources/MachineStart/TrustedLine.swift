/// The recorded command line as it is, with the restored disks in place of the old ones and without
/// the monitors of the old machine.
///
/// Only for archives that the user trusts: a command line can do whatever its user can.
package struct TrustedLine {
  package private(set) var words: [[ScriptWord]] = []
  /// What has to be changed by hand before the machine can be started.
  package private(set) var stops: [String]
  private var drives: DriveBook
  /// Nodes that are not needed any more: what stood on them has been restored.
  private var carried: Set<String> = []

  /// Options about the old process, which the script has for the new one or does without.
  private static let replaced: Set = [
    "qmp", "qmp-pretty", "monitor", "mon", "incoming", "daemonize", "pidfile", "S", "loadvm",
  ]

  package init(_ line: RecordedLine, of record: MachineRecord, _ disks: [RestoredDisk]) {
    stops = line.redacted.map { "what was not archived has to be filled in: \($0)" }
    let options = line.options
    drives = DriveBook(record, disks, options)
    for name in drives.nodes.keys {
      if case .restored = drives.finding(name) { carried.formUnion(drives.nodes(below: name)) }
    }
    for option in options { take(option) }
  }

  private mutating func take(_ option: LineOption) {
    let value = option.value ?? ""
    switch option.name {
    case let name where Self.replaced.contains(name): break
    case "chardev": takeCharacterDevice(option, KeyValues(parsing: value, implied: "backend"))
    case "blockdev": takeNode(option, KeyValues(parsing: value, implied: "driver"))
    case "drive": takeDrive(option, KeyValues(parsing: value))
    case "hda", "hdb", "hdc", "hdd", "", "pflash": takeOldDrive(option)
    default: keep(option)
    }
  }

  private mutating func keep(_ option: LineOption) {
    words.append(option.words.map(ScriptWord.init))
  }

  /// A socket that the old machine may still listen on gets a name in the new directory.
  private mutating func takeCharacterDevice(_ option: LineOption, _ all: KeyValues) {
    guard all["backend"] == "socket", let id = all["id"], all["path"] != nil,
      all["server"] ?? "off" != "off"
    else { return keep(option) }
    let kept = all.keeping { $0 != "path" }
    words.append([
      ScriptWord("-chardev"),
      ScriptWord(kept.text(implied: "backend") + ",path=") + .beside("\(id).socket"),
    ])
  }

  private mutating func takeNode(_ option: LineOption, _ all: KeyValues) {
    let name = all["node-name"] ?? ""
    guard !carried.contains(name) else { return }
    guard case .restored(let disk) = drives.finding(name), drives.used.contains(name) else {
      stopIfWritable(name)
      return keep(option)
    }
    let kept = all.keeping { OptionRule.node.contains($0) }
    words.append([
      ScriptWord("-blockdev"),
      ScriptWord("driver=\(disk.format.rawValue),\(kept.text()),file.driver=file,file.filename=")
        + disk.file,
    ])
  }

  private mutating func takeDrive(_ option: LineOption, _ all: KeyValues) {
    let name = drives.name(all)
    guard case .restored(let disk) = drives.finding(name) else {
      stopIfWritable(name)
      return keep(option)
    }
    // All that is not about the old file.
    let kept = all.keeping { member in
      !["file", "format", "driver", "snapshot"].contains(member)
        && !["file.", "backing", "encrypt", "data-file"].contains { member.hasPrefix($0) }
    }
    let members = kept.pairs.isEmpty ? "" : kept.text() + ","
    words.append([
      ScriptWord("-drive"),
      ScriptWord("\(members)format=\(disk.format.rawValue),file=") + disk.file,
    ])
  }

  private mutating func takeOldDrive(_ option: LineOption) {
    let members =
      switch option.name {
      case "pflash": "if=pflash"
      case "hdb": "index=1,media=disk"
      case "hdc": "index=2,media=disk"
      case "hdd": "index=3,media=disk"
      default: "index=0,media=disk"
      }
    var all = KeyValues(parsing: members)
    all["file"] = option.value ?? ""
    let count = words.count
    takeDrive(option, all)
    // A word that is no option stays one.
    if words.count == count { keep(option) }
  }

  /// A disk of the old machine must not be written by the new one.
  private mutating func stopIfWritable(_ name: String) {
    guard drives.finding(name) == .missing, drives.isWritable(name) else { return }
    stops.append("disk \(name) was not restored: put its new file in place of the old one")
  }
}
