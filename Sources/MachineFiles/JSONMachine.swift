internal import JSON
package import Machine

extension ToldMachine {
  /// Our own form: a JSON object as protocol.md §4.3 has it for `machine`.
  ///
  /// Stricter than the wire, where members of later times are skipped: a file is written by people.
  package init(json bytes: [UInt8]) throws(MachineFileError) {
    let value: JSONValue
    do { value = try JSONValue(parsing: bytes) } catch { throw .json(error) }
    guard let object = value.object else { throw .notAnObject }
    try Self.requireKnown(object, in: Self.form, path: "")
    do { self.init(try MachineDescription(parsing: object)) } catch { throw .machine(error) }
    for (index, disk) in description.disks.enumerated() {
      guard MachineDescription.Bus.known.contains(disk.bus) else {
        let buses = MachineDescription.Bus.known.map(\.rawValue).joined(separator: ", ")
        throw .machine(.member("disks[\(index)].bus", needs: "one of \(buses)"))
      }
    }
    aliases = description.disks.map { [$0.name, "drive-\($0.name)"] }
  }

  /// The members of each object.
  private indirect enum Form: Sendable {
    case value
    case object([String: Form])
    case list(Form)

    static func values(_ names: String...) -> Form {
      .object(Dictionary(uniqueKeysWithValues: names.map { ($0, .value) }))
    }
  }

  private static let form = Form.object([
    "name": .value, "uuid": .value, "architecture": .value, "board": .value, "system": .value,
    "memory": .value,
    "processors": .values("count", "sockets", "cores", "threads", "model"),
    "firmware": .values("kind", "secure_boot"),
    "controllers": .list(.values("bus", "index", "model")),
    "disks": .list(
      .values(
        "name", "stream", "bus", "controller", "slot", "media", "boot_order", "serial")),
    "nics": .list(.values("model", "mac", "network")),
  ])

  private static func requireKnown(
    _ object: JSONObject, in form: Form, path: String
  ) throws(MachineFileError) {
    guard case .object(let members) = form else { return }
    for member in object.members {
      let place = path.isEmpty ? member.name : "\(path).\(member.name)"
      switch members[member.name] {
      case nil: throw .unknownMember(MachineDescription.plainText(place))
      case .value: break
      case .object(let inner):
        guard let object = member.value.object else { continue }
        try requireKnown(object, in: .object(inner), path: place)
      case .list(let inner):
        for (index, element) in (member.value.array ?? []).enumerated() {
          guard let object = element.object else { continue }
          try requireKnown(object, in: inner, path: "\(place)[\(index)]")
        }
      }
    }
  }
}
