import BackupProtocol
import DiskFormats
import OVFFormat
import WriterKit

/// What an appliance of other programs holds: the disks of its descriptor, and the small files
/// beside them.
struct ForeignAppliance {
  /// Files that are longer are nothing to a machine's configuration.
  private static let configBytesMax: UInt64 = 16 << 20

  private(set) var appliance: Appliance
  private let descriptor: OVFDescriptor
  private let index: MemberIndex
  private let host: Host
  private var names: Set<String> = []
  /// Members that disks are made of.
  private var used: Set<String> = []

  /// - Parameter name: The descriptor's own member.
  init(
    _ descriptor: OVFDescriptor, _ name: String, _ index: MemberIndex, _ host: Host
  ) throws(PluginError) {
    appliance = Appliance(descriptor, [])
    (self.descriptor, self.index, self.host) = (descriptor, index, host)
    names = Set(descriptor.disks.map(\.name))
    try addConfig(OVFDescriptor.File(id: "", name: name), role: "ovf")
    let configs = appliance.parts
    appliance.parts = []
    for disk in descriptor.disks { try addDisk(disk) }
    let disks = appliance.parts
    appliance.parts = configs
    for file in descriptor.files where !used.contains(file.name) && file.name != name {
      try addConfig(file, role: "config")
    }
    appliance.parts += disks
    guard appliance.parts.count <= Int(Limits.streamsMax) else {
      throw PluginError(.tooLarge, "the archive has more than \(Limits.streamsMax) files")
    }
    for place in appliance.parts.indices { appliance.parts[place].stream.id = UInt32(place + 1) }
  }

  private mutating func addDisk(_ disk: OVFDescriptor.Disk) throws(PluginError) {
    guard let file = descriptor.files.first(where: { $0.id == disk.fileID }) else {
      host.log(.warning, "disk \"\(disk.name)\" is empty: skipped")
      return
    }
    let opening = DiskOpening(index)
    guard !opening.isMissing(file) else {
      warnOfMissing(file)
      used.insert(file.name)
      appliance.parts.append(Self.missing(file, .disk, disk.name, role: "disk", disk.capacity))
      return
    }
    let opened = try opening.open(file, disk)
    let capacity = opened.reader.capacityBytes
    guard capacity <= Limits.streamBytesMax else {
      throw PluginError(.tooLarge, "disk \"\(disk.name)\" has an invalid size")
    }
    if capacity != disk.capacity { warn(of: capacity, disk) }
    used.formUnion(opened.members)
    appliance.parts.append(
      Appliance.Part(
        stream: StreamDescription(
          id: 1, kind: .disk, name: disk.name, role: "disk", size: capacity),
        file: file, disk: disk, members: opened.members))
  }

  /// The image's header tells how large a disk is, whatever the descriptor says.
  private func warn(of capacity: UInt64, _ disk: OVFDescriptor.Disk) {
    let told = disk.capacity.map { " instead of \($0) as in the descriptor" }
    host.log(
      .warning,
      "disk \"\(disk.name)\" has \(capacity) bytes"
        + (told ?? "; the descriptor has no valid capacity"))
  }

  private mutating func addConfig(
    _ file: OVFDescriptor.File, role: String
  ) throws(PluginError) {
    guard let member = index[file.name] else {
      warnOfMissing(file)
      appliance.parts.append(
        Self.missing(file, .config, unusedName(file.name), role: role, file.size))
      return
    }
    guard member.byteCount <= Self.configBytesMax else {
      host.log(.warning, "\"\(file.name)\" does not belong to a disk: skipped")
      return
    }
    appliance.parts.append(
      Appliance.Part(
        stream: StreamDescription(
          id: 1, kind: .config, name: unusedName(file.name), role: role, size: member.byteCount),
        file: file, members: [file.name]))
  }

  private mutating func unusedName(_ wanted: String) -> String {
    var (name, number) = (wanted, 2)
    while !names.insert(name).inserted {
      name = "\(wanted.prefix(200))-\(number)"
      number += 1
    }
    return name
  }

  /// A stream that cannot be read: whoever leaves it out has all others.
  private static func missing(
    _ file: OVFDescriptor.File, _ kind: StreamDescription.Kind, _ name: String, role: String,
    _ size: UInt64?
  ) -> Appliance.Part {
    Appliance.Part(
      stream: StreamDescription(
        id: 1, kind: kind, name: name, role: role, size: min(size ?? 0, Limits.streamBytesMax)),
      file: file, members: [file.name], isMissing: true)
  }

  private func warnOfMissing(_ file: OVFDescriptor.File) {
    host.log(.warning, "\"\(file.name)\" of the descriptor is missing from the archive")
  }
}
