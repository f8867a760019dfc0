internal import JSON

/// Finds parts of a machine whose data is outside QEMU and cannot be backed up.
enum ForeignDevices {
  /// Devices whose storage belongs to another process or to the host.
  private static let types = [
    ("vhost-user-blk", "its disk belongs to another process"),
    ("vhost-user-scsi", "its disks belong to another process"),
    ("vhost-scsi", "its disks are served by the host's kernel"),
    ("vhost-user-fs", "its files belong to the host"),
    ("virtio-9p", "its files belong to the host"),
    ("vfio", "its data is in the hardware"),
    ("virtio-pmem", "its memory is a file on the host"),
    ("nvdimm", "its memory is a file on the host"),
  ]

  /// One line for people for each.
  static func warnings(
    _ inquiry: Inquiry, tpm: [String], devices: [GuestBlockDevice]
  ) async throws(ControlError) -> [String] {
    var lines = tpm.map { "\($0): not backed up: its state is outside QEMU" }
    for device in devices where device.exclusion == .passthrough {
      lines.append(
        "\(device.name) (\(device.deviceType)): not backed up: "
          + "the guest accesses the host's device directly")
    }
    for child in try await children(
      of: ["/machine/peripheral", "/machine/peripheral-anon"], inquiry)
    {
      guard let known = types.first(where: { child.type.hasPrefix($0.0) }) else { continue }
      lines.append("\(child.name) (\(child.type)): not backed up: \(known.1)")
    }
    return lines
  }

  /// Names and types of the objects below some paths.
  static func children(
    of paths: [String], _ inquiry: Inquiry
  ) async throws(ControlError) -> [(path: String, name: String, type: String)] {
    var found: [(String, String, String)] = []
    for path in paths {
      let list = try await inquiry.askedForMaybe("qom-list", ["path": .string(path)])?.array ?? []
      for property in list.prefix(1024) {
        guard let name = property["name"]?.string, let type = property["type"]?.string,
          type.hasPrefix("child<"), type.hasSuffix(">")
        else { continue }
        found.append(("\(path)/\(name)", name, String(type.dropFirst(6).dropLast())))
      }
    }
    return found
  }
}
