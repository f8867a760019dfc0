// Disks: their files are those that were restored, whatever the recorded line says.
extension AllowedLine {
  /// A node that a device refers to; those below it are not needed any more.
  mutating func takeNode(_ value: String) {
    let all = KeyValues(parsing: value, implied: "driver")
    guard let name = all["node-name"], drives.used.contains(name), Self.isName(name) else {
      return
    }
    switch drives.finding(name) {
    case .restored(let disk): add(node: all, disk)
    case .missing, .unknown:
      guard let file = drives.file(ofNode: name), Firmware.isFile(file) else {
        return omit("-blockdev \(name)", "its medium was not restored")
      }
      parts.insert(name)
      add(
        "blockdev",
        "driver=raw,node-name=\(name),read-only=on,file.driver=file,file.read-only=on,"
          + "file.filename=\(KeyValues.doubled(file))")
    }
  }

  private mutating func add(node all: KeyValues, _ disk: RestoredDisk) {
    let kept = all.keeping { OptionRule.node.contains($0) }
    guard kept.pairs.allSatisfy({ Self.isPlainList($0.value) }) else {
      return omit("-blockdev \(all["node-name"] ?? "")", "")
    }
    parts.insert(all["node-name"] ?? "")
    add(
      "blockdev",
      ScriptWord(
        "driver=\(disk.format.rawValue),\(kept.text()),file.driver=file,file.filename=")
        + disk.file)
  }

  mutating func takeDrive(_ all: KeyValues, _ option: LineOption) {
    let name = drives.name(all)
    let kept = all.keeping { OptionRule.drive.contains($0) }
    guard kept.pairs.allSatisfy({ Self.isPlainList($0.value) }), name.isEmpty || Self.isName(name)
    else { return omit(option, "") }
    switch drives.finding(name) {
    case .restored(let disk):
      parts.insert(name)
      let members = kept.pairs.isEmpty ? "" : kept.text() + ","
      add("drive", ScriptWord("\(members)format=\(disk.format.rawValue),file=") + disk.file)
    case .missing, .unknown: addDriveWithoutDisk(all, kept, name, option)
    }
  }

  private mutating func addDriveWithoutDisk(
    _ all: KeyValues, _ kept: KeyValues, _ name: String, _ option: LineOption
  ) {
    let file = all["file"] ?? all["file.filename"]
    if let file, all["if"] == "pflash", Firmware.isFile(file) {
      parts.insert(name)
      let members = kept.keeping { $0 != "readonly" && $0 != "read-only" }.text()
      return add(
        "drive", "\(members),readonly=on,format=raw,file=\(KeyValues.doubled(file))")
    }
    let isRemovable = all["media"] == "cdrom" || all["if"] == "floppy"
    guard isRemovable || (file == nil && all["if"] == "none") else {
      return omit("-drive \(name)", "its medium was not restored")
    }
    if file != nil { omit("-drive \(name)", "it is empty: its medium was not restored") }
    parts.insert(name)
    add("drive", kept.text())
  }

  /// `-hda FILE` and its like, which stand for a `-drive`.
  mutating func takeOldDrive(_ option: LineOption, _ value: String) {
    let members =
      switch option.name {
      case "hda", "": "index=0,media=disk"
      case "hdb": "index=1,media=disk"
      case "hdc": "index=2,media=disk"
      case "hdd": "index=3,media=disk"
      case "cdrom": "index=2,media=cdrom"
      case "fda": "if=floppy,index=0"
      case "fdb": "if=floppy,index=1"
      default: "if=pflash"
      }
    var drive = KeyValues(parsing: members)
    drive["file"] = value
    takeDrive(drive, option)
  }
}
