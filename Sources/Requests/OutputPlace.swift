internal import System

/// Where an archive goes.
package enum OutputPlace: Sendable, Equatable {
  /// A file or directory that is to be made.
  case path(NamePattern)
  case standardOutput
  /// A command of the shell that reads the archive from its standard input.
  case command(String)

  /// - Parameter text: `-` is standard output, `|COMMAND` a command, all else a path: `./-` and
  ///   `./|x` are files.
  package init(parsing text: String) throws(RequestError) {
    let stream = Self.stream(text)
    guard !text.isEmpty, stream != .command("") else { throw .malformed(text) }
    if let stream { self = stream } else { self = .path(try NamePattern(parsing: text)) }
  }

  /// The place that was made: what looks like a placeholder is a part of its name.
  package init(literal text: String) {
    self = Self.stream(text) ?? .path(NamePattern(literal: text))
  }

  private static func stream(_ text: String) -> OutputPlace? {
    if text == "-" { return .standardOutput }
    guard text.hasPrefix("|") else { return nil }
    return .command(String(text.dropFirst().drop { $0 == " " }))
  }

  /// Whether the archive is a stream, which has no name that could be withheld.
  package var isStream: Bool { if case .path = self { false } else { true } }

  /// As it was written, for events.
  package var text: String {
    switch self {
    case .path(let pattern): pattern.text
    case .standardOutput: "-"
    case .command(let command): "|" + command
    }
  }

  /// For messages.
  package var name: String {
    switch self {
    case .path(let pattern): pattern.text
    case .standardOutput: "standard output"
    case .command(let command): "the command \"\(cleaned(command))\""
    }
  }
}
