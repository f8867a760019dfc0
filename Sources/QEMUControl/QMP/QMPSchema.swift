package import JSON

/// What a QEMU can do, by its own word (`query-qmp-schema`, QEMU `qapi/introspect.json`).
///
/// The names of types are numbers that differ from build to build; only commands, members and the
/// cases of variants have names to ask for.
package struct QMPSchema: Sendable {
  private var entries: [String: JSONValue] = [:]

  /// - Parameter value: The answer to `query-qmp-schema`; anything else knows no command.
  package init(_ value: JSONValue) {
    for entry in value.array ?? [] {
      if let name = entry["name"]?.string { entries[name] = entry }
    }
  }

  package func hasCommand(_ name: String) -> Bool {
    entries[name]?["meta-type"] == "command"
  }

  package func hasEvent(_ name: String) -> Bool { entries[name]?["meta-type"] == "event" }

  /// Whether a command takes an argument.
  package func hasArgument(_ member: String, of command: String) -> Bool {
    names(in: argumentType(of: command), "members", "name").contains(member)
  }

  /// Whether a command that takes a union takes this case of it, such as a kind of export.
  package func hasCase(_ name: String, of command: String) -> Bool {
    names(in: argumentType(of: command), "variants", "case").contains(name)
  }

  /// Whether a case of a command's union takes an argument, such as an option of a block driver.
  package func hasArgument(_ member: String, ofCase name: String, of command: String) -> Bool {
    let variants = argumentType(of: command)?["variants"]?.array ?? []
    let type = variants.first { $0["case"]?.string == name }?["type"]?.string
    return names(in: type.flatMap { entries[$0] }, "members", "name").contains(member)
  }

  /// Whether a transaction may do this.
  package func hasAction(_ action: String) -> Bool {
    let members = argumentType(of: "transaction")?["members"]?.array ?? []
    let list = members.first { $0["name"] == "actions" }?["type"]?.string
    let element = list.flatMap { entries[$0]?["element-type"]?.string }
    return names(in: element.flatMap { entries[$0] }, "variants", "case").contains(action)
  }

  private func argumentType(of command: String) -> JSONValue? {
    guard hasCommand(command) else { return nil }
    return entries[command]?["arg-type"]?.string.flatMap { entries[$0] }
  }

  private func names(in type: JSONValue?, _ list: String, _ key: String) -> Set<String> {
    Set((type?[list]?.array ?? []).compactMap { $0[key]?.string })
  }
}
