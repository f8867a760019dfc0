internal import Machine
internal import XML

extension OVFDescriptor {
  /// The descriptor as XML of OVF 1.x, with one `VirtualSystem`.
  ///
  /// - Throws: `OVFError` for texts that XML cannot hold, for names that occur twice, and for disks
  ///   and streams whose file is missing.
  package func serialised() throws(OVFError) -> [UInt8] {
    try check()
    var envelope = XMLElement.ovf("Envelope", [:], [references])
    if !disks.isEmpty { envelope.append(diskSection) }
    if !machine.networkCards.isEmpty { envelope.append(networkSection) }
    envelope.append(virtualSystem)
    do { return try envelope.serialised(prefixes: OVFNamespace.prefixes) } catch {
      throw .xml(error)
    }
  }

  private func check() throws(OVFError) {
    try requireUnique(files.map(\.id), "File")
    try requireUnique(files.map(\.name), "File")
    try requireUnique(disks.map(\.id), "Disk")
    try requireUnique(disks.map(\.name), "Disk")
    let known = Set(files.map(\.id))
    let used = disks.compactMap(\.fileID) + (backup?.streams.map(\.fileID) ?? [])
    for id in used where !known.contains(id) { throw .fileMissing(id: id) }
  }

  private var references: XMLElement {
    .ovf(
      "References", [:],
      files.map { file in
        .ovf(
          "File",
          [
            "id": file.id, "href": file.name, "size": file.size.map { String($0) },
            "compression": file.isGzip ? "gzip" : nil,
            "chunkSize": file.chunkBytes.map { String($0) },
          ])
      })
  }

  private var diskSection: XMLElement {
    .ovf(
      "DiskSection", [:],
      [.text("Info", "The disks of the machine")]
        + disks.map { disk in
          .ovf(
            "Disk",
            [
              "diskId": disk.id, "fileRef": disk.fileID,
              "capacity": disk.capacity.map { String($0) },
              "capacityAllocationUnits": "byte", "format": disk.format.rawValue,
              "populatedSize": disk.populatedBytes.map { String($0) }, "parentRef": disk.parentID,
            ])
        })
  }

  private var networkSection: XMLElement {
    var names: [String] = []
    for card in machine.networkCards where !names.contains(card.connection) {
      names.append(card.connection)
    }
    return .ovf(
      "NetworkSection", [:],
      [.text("Info", "What the machine's network cards are connected to")]
        + names.map { .ovf("Network", ["name": $0]) })
  }

  private var virtualSystem: XMLElement {
    let shown = name.isEmpty ? "machine" : name
    var system = XMLElement.ovf("VirtualSystem", ["id": shown])
    system.append(.text("Info", "A virtual machine"))
    system.append(.text("Name", shown))
    system.append(operatingSystem)
    system.append(OVFHardware(of: self).section(named: shown))
    if let backup { system.append(backup.section(machine)) }
    return system
  }

  private var operatingSystem: XMLElement {
    let system = OVFSystem(family: machine.system, architecture: machine.architecture)
    var section = XMLElement.ovf(
      "OperatingSystemSection", ["id": String(system.number)],
      [.text("Info", "The operating system of the guest")])
    if !machine.system.isEmpty { section.append(.text("Description", machine.system)) }
    return section
  }
}

extension MachineDescription.NetworkCard {
  /// The name of a network: an item must name one.
  var connection: String { network.isEmpty ? "default" : network }
}

/// Refuses a list with one name twice.
func requireUnique(_ names: [String], _ element: String) throws(OVFError) {
  var seen: Set<String> = []
  for name in names where !seen.insert(name).inserted {
    throw .duplicate(element: element, id: name)
  }
}
