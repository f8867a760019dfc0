/// What a user writes as one word, on the command line or in a file.
package protocol RequestWord: Sendable {
  /// - Throws: `RequestError`; `.malformed` if `text` has not the form of such a word.
  init(parsing text: String) throws(RequestError)
}

/// Splits `a,b=c` at single commas; `,,` is a comma.
func splitAtCommas(_ text: String) -> [String] {
  var parts = [""]
  var rest = text[...]
  while let character = rest.popFirst() {
    if character != "," {
      parts[parts.count - 1].append(character)
    } else if rest.first == "," {
      rest.removeFirst()
      parts[parts.count - 1].append(",")
    } else {
      parts.append("")
    }
  }
  return parts
}

/// `NAME=PATH[,format=FORMAT]`; neither name nor path is empty.
struct NamedPath<Format: RawRepresentable<String>> {
  let name: String
  let path: String
  /// The last that is given.
  let format: Format?

  init(parsing text: String) throws(RequestError) {
    let parts = splitAtCommas(text)
    guard let (name, path) = splitAtEquals(parts[0]), !name.isEmpty, !path.isEmpty else {
      throw .malformed(text)
    }
    var format: Format?
    for option in parts.dropFirst() {
      guard let (key, value) = splitAtEquals(option), key == "format",
        let known = Format(rawValue: value)
      else { throw .malformed(text) }
      format = known
    }
    self.name = name
    self.path = path
    self.format = format
  }
}

/// What is before the first `=`, and what is after it; `nil` without one.
func splitAtEquals(_ text: String) -> (String, String)? {
  guard let equals = text.firstIndex(of: "=") else { return nil }
  return (String(text[..<equals]), String(text[text.index(after: equals)...]))
}
