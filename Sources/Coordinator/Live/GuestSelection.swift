internal import BackupProtocol
internal import JobSupport
internal import QEMUControl
internal import Requests

/// Which drives of a running machine are backed up, and why the others are not.
struct GuestSelection {
  let chosen: [GuestBlockDevice]
  /// One line for people for each drive that is left out.
  let omissions: [String]

  /// - Throws: `JobError` of status `.usage` for unknown disks and those that cannot be backed up.
  init(_ machine: GuestMachine, _ request: GuestRequest) throws(JobError) {
    let names = machine.devices.map(\.name)
    for name in request.disks + request.excluded where !names.contains(name) {
      throw JobError(
        .usage, "the machine has no disk \"\(name)\"",
        hint: names.isEmpty ? nil : .text("available: " + names.joined(separator: ", ")))
    }
    for device in machine.devices where request.disks.contains(device.name) {
      try Self.requirePossible(device)
    }
    var chosen: [GuestBlockDevice] = []
    var omissions: [String] = []
    for device in machine.devices {
      if let reason = Self.reason(toOmit: device, request) {
        omissions.append("\(device.name): not backed up: \(reason)")
      } else {
        chosen.append(device)
      }
    }
    guard !chosen.isEmpty else {
      throw JobError(
        .usage, "no disks to back up",
        hint: .text(
          omissions.isEmpty ? "the machine has no disks" : omissions.joined(separator: "; ")))
    }
    self.chosen = chosen
    self.omissions = omissions
  }

  /// What its stream is called in protocol.md.
  static func role(_ device: GuestBlockDevice) -> String {
    device.kind == .flash ? "nvram" : "disk"
  }

  /// What the archive of an encrypted disk holds; `nil` for others.
  static func encryption(_ device: GuestBlockDevice) -> String? {
    device.isEncrypted
      ? "\(device.name) is encrypted, but QEMU reads it decrypted: the archive holds plain text"
      : nil
  }

  private static func requirePossible(_ device: GuestBlockDevice) throws(JobError) {
    switch device.exclusion {
    case .empty:
      throw JobError(.usage, "\(device.name) has no medium")
    case .passthrough:
      throw JobError(
        .usage, "\(device.name) is passed through to the guest (\(device.deviceType))",
        hint: "the guest accesses the host's device directly; QEMU cannot copy what it overwrites")
    default: break
    }
  }

  private static func reason(toOmit device: GuestBlockDevice, _ request: GuestRequest) -> String? {
    if request.excluded.contains(device.name) { return "excluded" }
    if !request.disks.isEmpty {
      return request.disks.contains(device.name) ? nil : "not selected"
    }
    return device.exclusion.map(Self.text)
  }

  static func text(_ exclusion: GuestBlockDevice.Exclusion) -> String {
    switch exclusion {
    case .empty: "no medium"
    case .cdrom: "a CD-ROM"
    case .readOnly: "read-only"
    case .notAttached: "not attached to a device of the guest"
    case .passthrough: "passed through to the guest"
    }
  }
}
