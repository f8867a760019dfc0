internal import System

/// A word of a script: text that means itself, and the directory in which the script is.
package struct ScriptWord: Equatable, Sendable {
  package enum Piece: Equatable, Sendable {
    case text(String)
    /// `$here` of the script, with its commas doubled.
    case directory
  }

  package private(set) var pieces: [Piece]

  package init(_ text: String) { pieces = [.text(text)] }

  package static func + (word: ScriptWord, text: String) -> ScriptWord {
    var longer = word
    longer.pieces.append(.text(text))
    return longer
  }

  /// A word followed by a file's path.
  package static func + (word: ScriptWord, file: RestoredFilePlace) -> ScriptWord {
    var longer = word
    switch file {
    case .beside(let name): longer.pieces += [.directory, .text("/" + KeyValues.doubled(name))]
    case .path(let path): longer.pieces.append(.text(KeyValues.doubled(path)))
    }
    return longer
  }

  /// As the shell reads it.
  ///
  /// - Throws: `StartError.unquotable` if a control character is in it.
  package func quoted() throws(StartError) -> String {
    var text = ""
    for piece in pieces {
      switch piece {
      case .text(let piece): text += try Self.quoted(piece)
      case .directory: text += "\"$here\""
      }
    }
    return text.isEmpty ? "''" : text
  }

  /// A text as one word of the shell: nothing in it is anything but itself.
  ///
  /// - Throws: `StartError.unquotable`: a shell could keep control characters, but nobody who reads
  ///   the script sees them.
  package static func quoted(_ text: String) throws(StartError) -> String {
    guard isPlain(text) else { throw .unquotable(cleaned(text)) }
    if text.utf8.allSatisfy(isHarmless) { return text }
    var quoted = String.UnicodeScalarView("'".unicodeScalars)
    for scalar in text.unicodeScalars {
      // Out of the quotes, the character itself, and in again.
      if scalar == "'" {
        quoted.append(contentsOf: "'\\''".unicodeScalars)
      } else {
        quoted.append(scalar)
      }
    }
    quoted.append("'")
    return String(quoted)
  }

  /// What a shell gives no meaning to in an argument, wherever in it it stands.
  private static func isHarmless(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "_-+./,:@%=".utf8.contains(byte)
    }
  }
}

/// Where the file of a restored disk is.
package enum RestoredFilePlace: Equatable, Sendable {
  /// A file in the script's own directory.
  case beside(String)
  /// Absolute.
  case path(String)
}

/// Why no script can be made.
package enum StartError: Error, Equatable, Sendable, CustomStringConvertible {
  case unquotable(String)
  /// QEMU has no name for it that we know.
  case unknownArchitecture(String)
  /// The description lacks what every machine has.
  case incomplete(String)

  package var description: String {
    switch self {
    case .unquotable(let text): "\"\(text)\" has control characters"
    case .unknownArchitecture(let name): "the machine's architecture, \"\(name)\", is unknown"
    case .incomplete(let what): "the machine's description lacks \(what)"
    }
  }
}
