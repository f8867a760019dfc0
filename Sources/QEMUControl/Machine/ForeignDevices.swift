internal import JSON

/// Finds what belongs to a machine and lies outside its QEMU: no backup by QEMU reaches it.
enum ForeignDevices {
  /// Devices whose storage is another process's, or the host's own.
  private static let types = [
    ("vhost-user-blk", "its disk is another process's"),
    ("vhost-user-scsi", "its disks are another process's"),
    ("vhost-scsi", "its disks are the kernel's"),
    ("vhost-user-fs", "its files are the host's"),
    ("virtio-9p", "its files are the host's"),
    ("vfio", "what it stores is the hardware's"),
    ("virtio-pmem", "its memory is a file of the host"),
    ("nvdimm", "its memory is a file of the host"),
  ]

  /// One line for people for each.
  static func warnings(
    _ inquiry: Inquiry, tpm: [String], devices: [GuestBlockDevice]
  ) async throws(ControlError) -> [String] {
    var lines = tpm.map { "the state of \($0) lies outside QEMU and is not backed up" }
    for device in devices where device.exclusion == .passthrough {
      lines.append(
        "\(device.name) (\(device.deviceType)): the guest speaks to the host's device itself; "
          + "it is not backed up")
    }
    for child in try await children(
      of: ["/machine/peripheral", "/machine/peripheral-anon"], inquiry)
    {
      guard let known = types.first(where: { child.type.hasPrefix($0.0) }) else { continue }
      lines.append("\(child.name) (\(child.type)): \(known.1) and is not backed up")
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
