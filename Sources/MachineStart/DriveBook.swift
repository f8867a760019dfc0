/// Tells which restored disk takes the place of a drive of the recorded machine.
struct DriveBook {
  enum Finding: Equatable {
    case restored(RestoredDisk)
    /// It had a medium that was not restored, or that the archive does not have.
    case missing
    /// Nothing is known of it, or it was empty.
    case unknown
  }

  private let drives: [MachineRecord.Drive]
  private let disks: [RestoredDisk]
  /// Ids of the devices that use a drive or node, by its name.
  private var users: [String: String] = [:]
  /// What `-blockdev` options say, by node.
  private(set) var nodes: [String: KeyValues] = [:]
  /// Names that a device, or the machine itself, refers to.
  private(set) var used: Set<String> = []
  /// How many drives each interface has so far.
  private var counts: [String: Int] = [:]

  init(_ record: MachineRecord, _ disks: [RestoredDisk], _ options: [LineOption]) {
    drives = record.drives
    self.disks = disks
    for option in options {
      let text = option.value ?? ""
      switch option.name {
      case "device": note(device: KeyValues(parsing: text, implied: "driver"))
      case "machine", "M":
        let machine = KeyValues(parsing: text, implied: "type")
        used.formUnion(["pflash0", "pflash1"].compactMap { machine[$0] })
      case "blockdev":
        let node = KeyValues(parsing: text, implied: "driver")
        if let name = node["node-name"] { nodes[name] = node }
      default: break
      }
    }
  }

  private mutating func note(device: KeyValues) {
    guard let drive = device["drive"] else { return }
    used.insert(drive)
    users[drive] = device["id"] ?? ""
  }

  /// What is to be found under the name of a `-drive` or node.
  func finding(_ name: String) -> Finding {
    let user = users[name] ?? ""
    let drive =
      drives.first { !user.isEmpty && $0.deviceID == user }
      ?? drives.first { !name.isEmpty && ($0.backEnd == name || $0.node == name) }
    guard let drive, !drive.node.isEmpty else { return .unknown }
    return disks.first { $0.stream == drive.stream }.map { .restored($0) } ?? .missing
  }

  /// Whether the guest could write to it.
  func isWritable(_ name: String) -> Bool {
    let user = users[name] ?? ""
    return drives.contains {
      !$0.isReadOnly && !$0.node.isEmpty
        && ((!user.isEmpty && $0.deviceID == user) || $0.backEnd == name || $0.node == name)
    }
  }

  /// The name that QEMU gives to the next `-drive` of these members.
  mutating func name(_ drive: KeyValues) -> String {
    if let id = drive["id"] { return id }
    let interfaces = drive["if"].map { [$0] } ?? ["ide", "virtio", "scsi"]
    let place = interfaces[0]
    let index =
      drive["index"].flatMap { Int($0) } ?? drive["unit"].flatMap { Int($0) }
      ?? counts[place, default: 0]
    counts[place, default: 0] = index + 1
    guard (0..<256).contains(index) else { return "" }
    let candidates = interfaces.flatMap { Self.names($0, index, drive["media"] == "cdrom") }
    return candidates.first { name in drives.contains { $0.backEnd == name } }
      ?? candidates.first ?? ""
  }

  /// As `drive_new()` of QEMU makes them: a bus of IDE has two places, that of a q35 one.
  private static func names(_ interface: String, _ index: Int, _ isOptical: Bool) -> [String] {
    let media = isOptical ? "cd" : "hd"
    func place(_ count: Int) -> String {
      "\(interface)\(index / count)-\(media)\(index % count)"
    }
    switch interface {
    case "ide": return [place(2), place(1)]
    case "scsi": return [place(7), place(1)]
    default: return ["\(interface)\(index)"]
    }
  }

  /// The file that a node ends in, through all that is between; `nil` if it ends in none.
  func file(ofNode name: String) -> String? {
    var next = name
    // A format, a filter and a protocol: no chain is longer by much.
    for _ in 0..<8 {
      guard let node = nodes[next] else { return nil }
      if let file = node["filename"] ?? node["file.filename"] ?? node["file.file.filename"] {
        return file
      }
      guard let below = node["file"] else { return nil }
      next = below
    }
    return nil
  }

  /// All nodes that only carry others which have been replaced.
  func nodes(below name: String) -> Set<String> {
    var found: Set<String> = []
    var queue = [name]
    while let here = queue.popLast() {
      for pair in nodes[here]?.pairs ?? []
      where nodes[pair.value] != nil && pair.name != "node-name" {
        if found.insert(pair.value).inserted { queue.append(pair.value) }
      }
    }
    return found
  }
}
