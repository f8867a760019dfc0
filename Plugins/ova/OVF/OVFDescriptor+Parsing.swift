internal import Machine
internal import XML

extension OVFDescriptor {
  /// `File`, `Disk` and `Stream` elements that are read at most: a job has 1024 streams.
  static let countMax = 2048

  /// Reads a descriptor of OVF 1.x, ours or others'.
  ///
  /// - Parameter bytes: Hostile or not; 4 MiB at most.
  /// - Throws: `OVFError`.
  package init(parsing bytes: [UInt8]) throws(OVFError) {
    let root: XMLElement
    do { root = try XMLElement(parsing: bytes) } catch { throw .xml(error) }
    let envelope = try OVFEnvelope(root)
    let section = envelope.system.first(Backup.sectionName, in: OVFNamespace.sluice)
    let id = envelope.attribute("id", of: envelope.system) ?? ""
    self.init(name: envelope.text("Name", in: envelope.system) ?? id)
    name = MachineDescription.plainText(name.isEmpty ? id : name).trimmed
    files = try Self.files(envelope)
    disks = try Self.disks(envelope)
    if let section { backup = try Backup(section) }
    let known = Set(files.map(\.id))
    let used = disks.compactMap(\.fileID) + (backup?.streams.map(\.fileID) ?? [])
    for id in used where !known.contains(id) { throw .fileMissing(id: id) }
    nameDisks()
    var told: MachineDescription?
    if let section { told = try Backup.machine(section) }
    try readMachine(envelope, told)
  }

  private static func files(_ envelope: OVFEnvelope) throws(OVFError) -> [File] {
    let elements = envelope.all("File", in: envelope.section("References"))
    guard elements.count <= countMax else { throw .tooMany("files") }
    var files: [File] = []
    for element in elements {
      func value(_ name: String) -> String? { envelope.attribute(name, of: element) }
      guard let id = value("id") else { throw .member(element: "File", name: "id") }
      guard let href = value("href") else { throw .member(element: "File", name: "href") }
      guard isFileName(href) else { throw .href(MachineDescription.plainText(href)) }
      let compression = value("compression") ?? ""
      guard ["", "identity", "gzip"].contains(compression) else {
        throw .member(element: "File", name: "compression")
      }
      files.append(
        File(
          id: id, name: href, size: try number("size", of: element, envelope),
          isGzip: compression == "gzip",
          chunkBytes: try number("chunkSize", of: element, envelope)))
    }
    try requireUnique(files.map(\.id), "File")
    return files
  }

  /// A name that can be a member's: nothing that leads elsewhere.
  private static func isFileName(_ name: String) -> Bool {
    (1...255).contains(name.utf8.count) && name.utf8.first != UInt8(ascii: ".")
      && name.unicodeScalars.allSatisfy { scalar in
        scalar != "/" && scalar != "\\" && scalar.value >= 0x20
          && !(0x7F...0x9F).contains(scalar.value)
      }
  }

  private static func disks(_ envelope: OVFEnvelope) throws(OVFError) -> [Disk] {
    let elements = envelope.all("Disk", in: envelope.section("DiskSection"))
    guard elements.count <= countMax else { throw .tooMany("disks") }
    var disks: [Disk] = []
    for element in elements {
      func value(_ name: String) -> String? { envelope.attribute(name, of: element) }
      guard let id = value("diskId") else { throw .member(element: "Disk", name: "diskId") }
      disks.append(
        Disk(
          id: id, name: "", fileID: value("fileRef").flatMap { $0.isEmpty ? nil : $0 },
          capacity: capacity(of: element, envelope),
          format: DiskFormat(rawValue: value("format") ?? ""),
          populatedBytes: value("populatedSize").flatMap { UInt64($0) },
          parentID: value("parentRef").flatMap { $0.isEmpty ? nil : $0 }, isAttached: false))
    }
    try requireUnique(disks.map(\.id), "Disk")
    return disks
  }

  /// What a descriptor tells, if it does so as a number: `${size}` is allowed, too, and means what
  /// a deployment would fill in. The disk itself knows better.
  private static func capacity(of element: XMLElement, _ envelope: OVFEnvelope) -> UInt64? {
    // oVirt counts in another attribute.
    let given = ["capacity", "size"].lazy.compactMap { name in
      envelope.attribute(name, of: element).flatMap { UInt64($0.trimmed) }
    }.first
    let unit = envelope.attribute("capacityAllocationUnits", of: element) ?? "byte"
    return given.flatMap { OVFUnits.bytes($0, of: unit) }
  }

  /// A number of an attribute; `nil` where there is none.
  private static func number(
    _ name: String, of element: XMLElement, _ envelope: OVFEnvelope
  ) throws(OVFError) -> UInt64? {
    guard let text = envelope.attribute(name, of: element)?.trimmed, !text.isEmpty else {
      return nil
    }
    guard let number = UInt64(text) else {
      throw .member(element: element.name.local, name: name)
    }
    return number
  }

  /// Streams have the names of the backup; disks of others those of their ids, made fit and unique.
  private mutating func nameDisks() {
    var taken = Set(backup?.streams.map(\.name) ?? [])
    var streams = (backup?.streams ?? []).filter { $0.kind == "disk" }
    for index in disks.indices {
      // Of two disks in one file the first is the stream's.
      if let known = streams.firstIndex(where: { $0.fileID == disks[index].fileID }) {
        disks[index].name = streams.remove(at: known).name
        continue
      }
      let base = Self.plainName(disks[index].id)
      var name = base
      var number = 2
      while !taken.insert(name).inserted {
        name = "\(base)-\(number)"
        number += 1
      }
      disks[index].name = name
    }
  }

  /// Letters, digits, `-`, `_` and `.` of an id, 64 at most; other characters become `-`.
  private static func plainName(_ id: String) -> String {
    let plain = id.prefix(64).map { character -> Character in
      let isPlain = character.isASCII && (character.isLetter || character.isNumber)
      return isPlain || "-_.".contains(character) ? character : "-"
    }
    let name = String(plain.drop { $0 == "." || $0 == "-" })
    return name.isEmpty ? "disk" : name
  }

  /// The machine: what our section says in full, else what the items say.
  private mutating func readMachine(
    _ envelope: OVFEnvelope, _ told: MachineDescription?
  ) throws(OVFError) {
    let reader = OVFHardwareReader(envelope, disks: disks)
    let seen = try reader.machine(named: name)
    for index in disks.indices {
      disks[index].isAttached = reader.attachedDisks.contains(disks[index].id)
    }
    machine = told ?? seen
    // Every part has its limits; together they may still be more than travels.
    guard (try? MachineDescription(parsing: machine.object)) != nil else {
      throw .tooMany("devices")
    }
  }
}
