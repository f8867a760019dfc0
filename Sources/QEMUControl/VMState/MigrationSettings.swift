internal import JSON

/// Settings of QEMU's migration that a capture of RAM changes, with the values they had before.
package struct MigrationSettings: Equatable, Sendable {
  /// Bytes a second that QEMU may write: as fast as it can, since a guest may wait for it.
  private static let bandwidth: Int64 = 1 << 40

  /// Capabilities that were changed.
  private(set) var capabilities: [String: Bool] = [:]
  /// Parameters that were changed.
  private(set) var parameters = JSONObject()

  package init() {}

  /// What has to be changed for a capture.
  ///
  /// Every capability but the one that is needed is off: each of them changes the stream or is
  /// refused beside a background snapshot (QEMU `qapi/migration.json`, `MigrationCapability`).
  ///
  /// - Throws: `qmp`, `unexpected`.
  init(
    before way: VMStateWay, _ ask: (String) async throws(ControlError) -> JSONValue
  ) async throws(ControlError) {
    guard let list = try await ask("query-migrate-capabilities").array else {
      throw .unexpected(command: "query-migrate-capabilities", what: "not a list")
    }
    for entry in list {
      guard let name = entry["capability"]?.string, let state = entry["state"]?.bool else {
        continue
      }
      let wanted = name == Self.background ? way == .background : name == "events" && state
      if state != wanted { capabilities[name] = state }
    }
    let known = try await ask("query-migrate-parameters")
    for (name, value) in Self.wanted.members.map({ ($0.name, $0.value) }) {
      // A parameter that this QEMU does not have needs no change.
      if let before = known[name], before != value { parameters[name] = before }
    }
  }

  static let background = "background-snapshot"

  /// Unlimited, to a file without encryption, of the usual kind.
  private static let wanted: JSONObject = [
    "max-bandwidth": .integer(bandwidth), "tls-creds": "", "mode": "normal",
  ]

  /// The commands that make the changes.
  var changes: [(command: String, arguments: JSONObject)] {
    commands(
      capabilities.mapValues { !$0 },
      JSONObject(
        parameters.members.compactMap { member in
          Self.wanted[member.name].map { (member.name, $0) }
        }))
  }

  /// The commands that put everything back.
  var restoration: [(command: String, arguments: JSONObject)] {
    commands(capabilities, parameters)
  }

  private func commands(
    _ capabilities: [String: Bool], _ parameters: JSONObject
  ) -> [(command: String, arguments: JSONObject)] {
    var commands: [(command: String, arguments: JSONObject)] = []
    if !capabilities.isEmpty {
      let states = capabilities.sorted { $0.key < $1.key }.map { name, state -> JSONValue in
        ["capability": .string(name), "state": .bool(state)]
      }
      commands.append(("migrate-set-capabilities", ["capabilities": .array(states)]))
    }
    if !parameters.members.isEmpty { commands.append(("migrate-set-parameters", parameters)) }
    return commands
  }
}

// As a journal keeps them.

extension MigrationSettings {
  /// - Parameter value: Of a journal; what is missing was not changed.
  init(parsing value: JSONValue?) {
    for member in value?["capabilities"]?.object?.members ?? [] {
      capabilities[member.name] = member.value.bool
    }
    parameters = value?["parameters"]?.object ?? [:]
  }

  var json: JSONValue {
    [
      "capabilities": .object(
        JSONObject(capabilities.sorted { $0.key < $1.key }.map { ($0.key, .bool($0.value)) })),
      "parameters": .object(parameters),
    ]
  }
}

extension JSONObject {
  /// Members with names that are known to be different.
  fileprivate init(_ members: [(String, JSONValue)]) {
    self.init()
    for (name, value) in members { self[name] = value }
  }
}
