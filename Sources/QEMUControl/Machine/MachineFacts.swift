internal import JSON
internal import MachineStart

/// Collects what QEMU tells of how it was set up, for people who have to set it up again.
///
/// Nothing secret: of objects below `/objects`, which hold keys, only the types are read, but of
/// memory and threads; a login in the URL of a disk is taken out.
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

  /// A failing command is simply absent.
  static func describe(
    _ inquiry: Inquiry, _ schema: QMPSchema, _ commandLine: PeerCommandLine
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
    facts.add("machine", try await DeviceFacts(inquiry).machine())
    facts.add("machine-class", try await typeOfMachine(inquiry))
    let cpuType = try await cpuType(inquiry)
    facts.add("cpu-type", cpuType)
    facts.add("cpu-model", try await model(cpuType, inquiry))
    var devices = DeviceFacts(inquiry)
    facts.add("devices", try await devices.devices())
    facts.add("objects", try await devices.objects())
    switch commandLine {
    case .known(let line): facts.add("command-line", line.json)
    case .unknown(let reason): facts.add("command-line", ["absent": .string(reason)])
    }
    return facts.value
  }

  private static func cpuType(_ inquiry: Inquiry) async throws(ControlError) -> JSONValue? {
    let cpus = try await inquiry.askedForMaybe("query-cpus-fast")
    guard let path = cpus?.array?.first?["qom-path"]?.string else { return nil }
    return try await inquiry.property("type", of: path)
  }

  /// What QEMU tells of this type of machine, such as its usual processor.
  private static func typeOfMachine(_ inquiry: Inquiry) async throws(ControlError) -> JSONValue? {
    guard let type = try await inquiry.property("type", of: "/machine")?.string else { return nil }
    let all = try await inquiry.askedForMaybe("query-machines")?.array ?? []
    return all.first { type == ($0["name"]?.string ?? "") + "-machine" }
  }

  /// Every feature of the model, where QEMU can tell.
  private static func model(
    _ cpuType: JSONValue?, _ inquiry: Inquiry
  ) async throws(ControlError)
    -> JSONValue?
  {
    guard let type = cpuType?.string, type.hasSuffix("-cpu") else { return nil }
    let parts = type.split(separator: "-").dropLast(2)
    return try await inquiry.askedForMaybe(
      "query-cpu-model-expansion",
      ["type": "static", "model": ["name": .string(parts.joined(separator: "-"))]])
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
    guard let value = value?.withoutLogins else { return }
    let bytes = value.serialised().count + name.utf8.count + 8
    guard bytes <= bytesLeft else { return omitted.append(name) }
    bytesLeft -= bytes
    facts[name] = value
  }
}

extension JSONValue {
  /// The value without names and passwords in URLs.
  fileprivate var withoutLogins: JSONValue {
    switch self {
    case .string(let text):
      return CommandLineRedaction.withoutLogin(text).map { .string($0) } ?? self
    case .array(let elements): return .array(elements.map(\.withoutLogins))
    case .object(var object):
      for member in object.members where member.value.mayHaveText {
        object[member.name] = member.value.withoutLogins
      }
      return .object(object)
    default: return self
    }
  }

  private var mayHaveText: Bool {
    switch self {
    case .string(let text): text.utf8.contains(UInt8(ascii: "@")) || text.hasPrefix("rbd:")
    case .array, .object: true
    default: false
    }
  }
}
