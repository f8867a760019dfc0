public import JSON

/// An option of a format: what the host checks before it passes it on.
/// Specified in protocol.md §2.3.
public struct ManifestOption: Equatable, Sendable {
  /// What a value of it is.
  public enum Kind: String, Sendable { case bool, integer, string, choice }

  /// Its name on the command line and in a JOB.
  public var name: String
  /// What a value of it is.
  public var kind: Kind
  /// Value the plugin takes when nobody gives one.
  public var defaultValue: JSONValue
  /// What it does, for people.
  public var help: String
  /// For ``Kind/choice``: what may be chosen.
  public var choices: [String]
  /// For ``Kind/integer``.
  public var range: ClosedRange<Int64>

  init(_ members: ControlMembers) throws(WireError) {
    name = try members.string("name")
    guard let kind = Kind(rawValue: try members.string("type")) else {
      throw .member(.hello, name: "options.type")
    }
    self.kind = kind
    defaultValue = members.object["default"] ?? .null
    help = try members.optionalString("help") ?? ""
    choices = try members.strings("choices")
    let least = members.object["min"]?.integer ?? 0
    let most = members.object["max"]?.integer ?? Int64(1 << 53)
    guard least <= most else { throw .member(.hello, name: "options.min") }
    range = least...most
    // Every job that chooses nothing would be refused.
    guard defaultValue == .null || accepts(defaultValue) else {
      throw .member(.hello, name: "options.default")
    }
  }

  /// Turns the text of a command line into the option's value.
  ///
  /// - Returns: `nil` when the text is no such value; ``expectation`` says what would be.
  public func value(_ text: String) -> JSONValue? {
    switch kind {
    case .bool:
      switch text {
      case "true", "on", "yes": .bool(true)
      case "false", "off", "no": .bool(false)
      default: nil
      }
    case .integer: Int64(text).flatMap { range.contains($0) ? .integer($0) : nil }
    case .string: text.utf8.count <= 4096 ? .string(text) : nil
    case .choice: choices.contains(text) ? .string(text) : nil
    }
  }

  /// Whether a JOB may have this value.
  public func accepts(_ value: JSONValue) -> Bool {
    switch kind {
    case .bool: value.bool != nil
    case .integer: value.integer.map { range.contains($0) } ?? false
    case .string: value.string.map { $0.utf8.count <= 4096 } ?? false
    case .choice: value.string.map { choices.contains($0) } ?? false
    }
  }

  /// What a value looks like, for messages and help.
  public var expectation: String {
    switch kind {
    case .bool: "on or off"
    case .integer: "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .string: "text"
    case .choice: choices.joined(separator: ", ")
    }
  }
}
