internal import JSON
internal import MachineStart

/// What devices and memory back ends are set to, as far as an option of QEMU could say it again.
struct DeviceFacts {
  /// Devices, and questions about properties that only starting it again needs: QEMU takes a third
  /// of a millisecond for each.
  private static let devicesMax = 256
  private static let questionsMax = 4096

  /// Properties that are worth a question whatever their value is.
  private static let usual: Set<String> = [
    "serial", "bootindex", "drive", "mac", "netdev", "chardev", "addr", "scsi-id", "lun", "channel",
    "unit", "wwn", "iothread", "werror", "rerror", "write-cache", "logical_block_size",
    "physical_block_size", "num-queues", "queues", "queue-size", "discard_granularity",
    "rotation_rate", "parent_bus", "nsid", "nr", "memdev", "size", "port", "name", "host",
  ]

  private let inquiry: Inquiry
  private var questions = 0

  init(_ inquiry: Inquiry) { self.inquiry = inquiry }

  /// All devices that have a name of their own, or a place among those without.
  mutating func devices() async throws(ControlError) -> JSONValue {
    var devices: [JSONValue] = []
    let paths = ["/machine/peripheral", "/machine/peripheral-anon"]
    for child in try await ForeignDevices.children(of: paths, inquiry).prefix(Self.devicesMax) {
      var device: JSONObject = ["name": .string(child.name), "type": .string(child.type)]
      for (name, usual) in try await properties(child.path, child.type) {
        guard let value = try await inquiry.property(name, of: child.path) else { continue }
        let key = name == "name" ? StartedProperty.portName : name
        if value != usual { device[key] = value }
      }
      devices.append(.object(device))
    }
    return .array(devices)
  }

  /// What is asked of a device, with the values that need not be told.
  private mutating func properties(
    _ path: String, _ type: String
  ) async throws(ControlError) -> [(name: String, usual: JSONValue?)] {
    let list = try await inquiry.askedForMaybe("qom-list", ["path": .string(path)])?.array ?? []
    let names = list.compactMap { $0["name"]?.string }
    let settable = try await inquiry.askedForMaybe(
      "device-list-properties", ["typename": .string(type)])
    var wanted: [(name: String, usual: JSONValue?)] = names.filter(Self.usual.contains)
      .map { ($0, nil) }
    for property in settable?.array ?? [] where questions < Self.questionsMax {
      guard let name = property["name"]?.string, !Self.usual.contains(name),
        names.contains(name), StartedProperty.isWanted(name)
      else { continue }
      wanted.append((name, property["default-value"]))
      questions += 1
    }
    return wanted
  }

  /// Objects: what memory and its threads are set to, of others their types only: they hold keys.
  func objects() async throws(ControlError) -> JSONValue {
    var objects: [JSONValue] = []
    for child in try await ForeignDevices.children(of: ["/objects"], inquiry) {
      var object: JSONObject = ["name": .string(child.name), "type": .string(child.type)]
      for name in Self.told(ofObject: child.type) {
        guard let value = try await inquiry.property(name, of: child.path) else { continue }
        object[name] = value
      }
      objects.append(.object(object))
    }
    return .array(objects)
  }

  private static func told(ofObject type: String) -> [String] {
    if type == "iothread" { return ["poll-max-ns", "poll-grow", "poll-shrink", "aio-max-batch"] }
    guard type.hasPrefix("memory-backend-") else { return [] }
    return ["size", "share", "mem-path", "merge", "dump", "prealloc", "hugetlb"]
  }

  /// The machine's own properties: those that `-machine`, `-m` and `-smp` set.
  func machine() async throws(ControlError) -> JSONValue {
    var machine = JSONObject()
    let list = try await inquiry.askedForMaybe("qom-list", ["path": "/machine"])?.array ?? []
    for name in list.compactMap({ $0["name"]?.string })
    where StartedProperty.isWantedOfMachine(name) {
      machine[name] = try await inquiry.property(name, of: "/machine")
    }
    return .object(machine)
  }
}
