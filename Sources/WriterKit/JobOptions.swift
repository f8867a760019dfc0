internal import BackupProtocol

/// What the user chose of the options that the manifest has for the format, held against it: each
/// has the type, the range or the choices that it says, and its default where nobody chose.
///
/// Asking for an option that the manifest does not have, or for another type, is a mistake of the
/// plugin's author and stops the process. Reading has no options: all are as if nobody chose.
/// Specified in protocol.md §4.3.
public struct JobOptions: Sendable {
  private let known: [ManifestOption]
  private let values: [String: JSONValue]

  /// - Throws: E_BAD_OPTION for what the manifest does not allow.
  init(_ chosen: JSONObject, of format: ManifestFormat) throws(PluginError) {
    known = format.options
    var values: [String: JSONValue] = [:]
    for option in known { values[option.name] = option.defaultValue }
    for member in chosen.members {
      guard let option = known.first(where: { $0.name == member.name }) else {
        throw PluginError(.badOption, "\(format.name) has no option \"\(member.name)\"")
      }
      guard option.accepts(member.value) else {
        throw PluginError(
          .badOption, "option \"\(option.name)\" must be \(option.expectation)")
      }
      values[member.name] = member.value
    }
    self.values = values
  }

  /// An option of type `bool`; `false` if nobody chose and it has no default.
  public func flag(_ name: String) -> Bool { value(name, .bool).bool ?? false }

  /// An option of type `integer`; `nil` if nobody chose and it has no default.
  public func integer(_ name: String) -> Int? { value(name, .integer).integer.map { Int($0) } }

  /// An option of type `string`; `nil` if nobody chose and it has no default.
  public func text(_ name: String) -> String? { value(name, .string).string }

  /// An option of type `choice`, as an `enum` whose raw values are the manifest's choices; `nil`
  /// if nobody chose and it has no default.
  public func choice<Choice: RawRepresentable<String>>(
    _ name: String, as type: Choice.Type = Choice.self
  ) -> Choice? {
    guard let word = value(name, .choice).string else { return nil }
    guard let choice = Choice(rawValue: word) else {
      preconditionFailure("the manifest's option \"\(name)\" may be \(word), \(type) may not")
    }
    return choice
  }

  private func value(_ name: String, _ kind: ManifestOption.Kind) -> JSONValue {
    precondition(
      known.contains { $0.name == name && $0.kind == kind },
      "the manifest has no option \"\(name)\" of type \(kind.rawValue)")
    return values[name] ?? .null
  }
}
