/// Where an archive goes: the text after the `=` of `--to FORMAT=…`.
package enum OutputPlace: Sendable, Equatable {
  /// A file or directory that is to be made.
  case path(String)
  case standardOutput
  /// A command of the shell that reads the archive from its standard input.
  case command(String)

  /// - Parameter text: `-` is standard output, `|COMMAND` a command, all else a path: `./-` and
  ///   `./|x` are files.
  package init(_ text: String) {
    if text == "-" {
      self = .standardOutput
    } else if text.hasPrefix("|") {
      self = .command(String(text.dropFirst().drop { $0 == " " }))
    } else {
      self = .path(text)
    }
  }

  /// Whether the archive is a stream, which has no name that could be withheld.
  package var isStream: Bool { if case .path = self { false } else { true } }

  /// As it was written, for events.
  package var text: String {
    switch self {
    case .path(let path): path
    case .standardOutput: "-"
    case .command(let command): "|" + command
    }
  }

  /// For messages.
  var name: String {
    switch self {
    case .path(let path): path
    case .standardOutput: "standard output"
    case .command(let command): "the command \"\(cleaned(command))\""
    }
  }
}
