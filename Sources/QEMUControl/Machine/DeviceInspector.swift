internal import JSON

/// Finds out what there is to know of each drive (QEMU `qapi/block-core.json`, `query-block`).
struct DeviceInspector {
  /// Drives that are looked at; no machine has more.
  static let deviceCountMax = 512

  private let inquiry: Inquiry
  private let files: ImageFiles

  static func devices(_ inquiry: Inquiry) async throws(ControlError) -> [GuestBlockDevice] {
    let inspector = DeviceInspector(inquiry: inquiry, files: ImageFiles(inquiry.monitor))
    guard let entries = try await inquiry.asked("query-block").array else {
      throw .unexpected(command: "query-block", what: "not a list")
    }
    guard entries.count <= deviceCountMax else {
      throw .unexpected(command: "query-block", what: "\(entries.count) drives")
    }
    var names = DeviceNames()
    var devices: [GuestBlockDevice] = []
    for entry in entries {
      let name = names.name(
        device: entry["device"]?.string ?? "", qdev: entry["qdev"]?.string,
        nodeName: entry["inserted"]?["node-name"]?.string)
      devices.append(try await inspector.device(entry, named: name))
    }
    return devices
  }

  private func device(
    _ entry: JSONValue, named name: String
  ) async throws(ControlError) -> GuestBlockDevice {
    let medium = entry["inserted"]
    let qdev = entry["qdev"]?.string
    let path = qdev.map { $0.hasPrefix("/") ? $0 : "/machine/peripheral/\($0)" }
    let type = try await text("type", of: path)
    let kind = Self.kind(ofType: type)
    let isReadOnly = medium?["ro"]?.bool ?? false
    return GuestBlockDevice(
      name: name, qdev: qdev, deviceType: type, nodeName: medium?["node-name"]?.string,
      size: try Self.size(medium, of: name), format: medium?["drv"]?.string ?? "",
      imageFile: files.file(medium?["file"]?.string),
      chain: ImageLevel.chain(medium?["image"], files), isReadOnly: isReadOnly,
      isRemovable: entry["removable"]?.bool ?? false, isEmpty: medium == nil, kind: kind,
      iothread: try await iothread(of: path), writeErrorPolicy: try await policy(entry, path),
      exclusion: Self.exclusion(
        kind, type: type, isAttached: qdev != nil, isEmpty: medium == nil, isReadOnly: isReadOnly))
  }

  private static func kind(ofType type: String) -> GuestBlockDevice.Kind {
    switch type {
    case "ide-cd", "scsi-cd": .cdrom
    case "floppy": .floppy
    case "cfi.pflash01", "cfi.pflash02": .flash
    default: .disk
    }
  }

  private static func exclusion(
    _ kind: GuestBlockDevice.Kind, type: String, isAttached: Bool, isEmpty: Bool, isReadOnly: Bool
  ) -> GuestBlockDevice.Exclusion? {
    if isEmpty { return .empty }
    if kind == .cdrom { return .cdrom }
    if isReadOnly { return .readOnly }
    if !isAttached { return .notAttached }
    return type == "scsi-block" || type == "scsi-generic" ? .passthrough : nil
  }

  private static func size(
    _ medium: JSONValue?, of name: String
  ) throws(ControlError) -> Int64 {
    guard let medium else { return 0 }
    guard let size = medium["image"]?["virtual-size"]?.integer, (0...(1 << 53)).contains(size)
    else { throw .unexpected(command: "query-block", what: "\(name) has no size") }
    return size
  }

  /// The device's answer to failing writes.
  ///
  /// A `-drive` may say it and leave the device at "auto". QEMU keeps an `io-status` exactly for
  /// drives that stop the guest on some error, which tells "report" from its default, "enospc", and
  /// from "stop"; those two cannot be told apart, and stay "auto".
  private func policy(
    _ entry: JSONValue, _ path: String?
  ) async throws(ControlError) -> String {
    let policy = try await text("werror", of: path)
    if policy != "auto" { return policy }
    return entry["io-status"] == nil ? "report" : "auto"
  }

  /// The I/O thread of a device, or of the controller it hangs on.
  private func iothread(of path: String?) async throws(ControlError) -> String? {
    var place = path
    // A disk, its virtio half, its controller, the controller's virtio half: no chain is longer.
    for _ in 0..<6 {
      guard let here = place, here.hasPrefix("/machine/") else { return nil }
      if let thread = try await ownThread(of: here) { return thread }
      place = Self.controller(try await inquiry.property("parent_bus", of: here)?.string)
    }
    return nil
  }

  private func ownThread(of path: String) async throws(ControlError) -> String? {
    let thread = try await text("iothread", of: path)
    if let last = thread.split(separator: "/").last { return String(last) }
    // Several threads, one per queue (QEMU 9.0): the first stands for all.
    let mapping = try await inquiry.property("iothread-vq-mapping", of: path)
    return mapping?.array?.first?["iothread"]?.string
  }

  /// The device that a bus belongs to: a bus is a child of its device.
  private static func controller(_ bus: String?) -> String? {
    guard let bus, let slash = bus.lastIndex(of: "/") else { return nil }
    return String(bus[..<slash])
  }

  private func text(_ property: String, of path: String?) async throws(ControlError) -> String {
    guard let path else { return "" }
    return try await inquiry.property(property, of: path)?.string ?? ""
  }
}
