internal import JSON

/// Collects what QEMU tells of how it was set up, for people who have to set it up again.
///
/// Nothing secret: of objects below `/objects`, which hold keys, only the types are read.
enum MachineFacts {
  /// Bytes of all of it; what is too much is left out by name.
  static let bytesMax = 4 << 20

  /// Commands without arguments whose answers are kept as they are.
  private static let commands = [
    "query-name", "query-uuid", "query-version", "query-status", "query-current-machine",
    "query-target", "query-kvm", "query-accelerators", "query-cpus-fast", "query-hotpluggable-cpus",
    "query-memory-size-summary", "query-memdev", "query-memory-devices", "query-block",
    "query-pci", "query-chardev", "query-tpm", "query-iothreads", "query-rx-filter", "query-vnc",
    "query-spice", "query-acpi-ospm-status", "query-sev", "query-vm-generation-id",
  ]

  /// Properties of devices that are worth the question.
  private static let properties: Set<String> = [
    "serial", "bootindex", "drive", "mac", "netdev", "chardev", "addr", "scsi-id", "lun", "channel",
    "unit", "wwn", "iothread", "werror", "rerror", "write-cache", "logical_block_size",
    "physical_block_size", "num-queues", "queues", "queue-size", "discard_granularity",
    "rotation_rate", "parent_bus", "nsid", "nr", "memdev", "size", "port", "name", "host",
  ]

  /// A failing command is simply absent.
  static func describe(
    _ inquiry: Inquiry, _ schema: QMPSchema
  ) async throws(ControlError) -> JSONValue {
    var facts = BoundedFacts(bytesMax: bytesMax)
    for command in commands where schema.hasCommand(command) {
      facts.add(command, try await inquiry.askedForMaybe(command))
    }
    // Without the chain of backing images in each node: the chain is there by its names.
    facts.add(
      "query-named-block-nodes",
      try await inquiry.askedForMaybe("query-named-block-nodes", ["flat": true]))
    facts.add("machine-type", try await inquiry.property("type", of: "/machine"))
    facts.add("cpu-type", try await cpuType(inquiry))
    facts.add("devices", try await devices(inquiry))
    facts.add("objects", try await objects(inquiry))
    return facts.value
  }

  private static func cpuType(_ inquiry: Inquiry) async throws(ControlError) -> JSONValue? {
    let cpus = try await inquiry.askedForMaybe("query-cpus-fast")
    guard let path = cpus?.array?.first?["qom-path"]?.string else { return nil }
    return try await inquiry.property("type", of: path)
  }

  private static func devices(_ inquiry: Inquiry) async throws(ControlError) -> JSONValue {
    var devices: [JSONValue] = []
    let paths = ["/machine/peripheral", "/machine/peripheral-anon"]
    for child in try await ForeignDevices.children(of: paths, inquiry).prefix(256) {
      var device: JSONObject = ["name": .string(child.name), "type": .string(child.type)]
      let list = try await inquiry.askedForMaybe("qom-list", ["path": .string(child.path)])
      for name in (list?.array ?? []).compactMap({ $0["name"]?.string })
      where properties.contains(name) {
        guard let value = try await inquiry.property(name, of: child.path) else { continue }
        device[name] = value
      }
      devices.append(.object(device))
    }
    return .array(devices)
  }

  private static func objects(_ inquiry: Inquiry) async throws(ControlError) -> JSONValue {
    .array(
      try await ForeignDevices.children(of: ["/objects"], inquiry).map {
        ["name": .string($0.name), "type": .string($0.type)]
      })
  }
}

/// An object that grows up to a size; what does not fit is listed under `omitted`.
private struct BoundedFacts {
  private var facts = JSONObject()
  private var omitted: [String] = []
  private var bytesLeft: Int

  init(bytesMax: Int) { bytesLeft = bytesMax }

  var value: JSONValue {
    var whole = facts
    if !omitted.isEmpty { whole["omitted"] = JSONValue(omitted) }
    return .object(whole)
  }

  mutating func add(_ name: String, _ value: JSONValue?) {
    guard let value else { return }
    let bytes = value.serialised().count + name.utf8.count + 8
    guard bytes <= bytesLeft else { return omitted.append(name) }
    bytesLeft -= bytes
    facts[name] = value
  }
}
