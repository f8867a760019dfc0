import Machine
import MachineFiles
import MachineSamples
import OVFFormat

/// Descriptors of machines as hypervisors describe them, with all that a backup of them has.
enum Appliance {
  static let originals: [(role: String, text: String)] = [
    ("libvirt-xml", Samples.libvirt), ("proxmox-conf", Samples.proxmox),
  ]

  static func told(_ role: String) throws -> ToldMachine {
    let bytes = Array((role == "libvirt-xml" ? Samples.libvirt : Samples.proxmox).utf8)
    return role == "libvirt-xml"
      ? try ToldMachine(libvirtXML: bytes) : try ToldMachine(proxmoxConfiguration: bytes)
  }

  /// The appliance of a machine, with its file and one that XML could not carry.
  static func descriptor(_ role: String) throws -> OVFDescriptor {
    let told = try told(role)
    let names = told.description.disks.filter { $0.media == .disk }.map(\.name)
    let machine = told.with(streams: names.map { .init(name: $0) })
    let original = Array((role == "libvirt-xml" ? Samples.libvirt : Samples.proxmox).utf8)
    let configs: [(String, String, [UInt8])] = [
      ("vm.conf", role, original), ("odd", "config", odd), ("empty", "config", []),
      ("large", "config", [UInt8](repeating: 7, count: (64 << 10) + 1)),
    ]
    var descriptor = OVFDescriptor(name: machine.name, machine: machine)
    var backup = OVFDescriptor.Backup(machineID: "101", instant: "2026-01-31T20:00:00Z")
    for (name, role, bytes) in configs {
      descriptor.files.append(.init(id: name, name: name, size: UInt64(bytes.count)))
      backup.streams.append(
        .init(
          name: name, kind: "config", role: role, size: UInt64(bytes.count), fileID: name,
          content: bytes))
    }
    for (index, disk) in machine.disks.enumerated() where !disk.stream.isEmpty {
      let id = "disk\(index + 1)"
      descriptor.files.append(.init(id: "file-\(id)", name: "m-\(id).vmdk"))
      descriptor.disks.append(
        .init(
          id: id, name: disk.stream, fileID: "file-\(id)", capacity: 1 << 30 | UInt64(index) << 9,
          format: .streamOptimized, populatedBytes: 4096, isAttached: !disk.isState))
      backup.streams.append(
        .init(
          name: disk.stream, kind: "disk", role: "disk", size: 1 << 30 | UInt64(index) << 9,
          fileID: "file-\(id)"))
    }
    descriptor.backup = backup
    return descriptor
  }

  /// Every byte there is, a line break of another system, the end of a CDATA section.
  static let odd = Array(UInt8(0)...255) + Array("\r\n]]>\n".utf8)
}
