extension BackupRequest {
  /// A disk image: `NAME=FILE[,format=FORMAT]`; a comma in a file name is doubled.
  package struct Image: RequestWord, Equatable {
    package let name: String
    package let path: String
    /// `nil` lets the suffix tell.
    package let format: ImageFormat?

    package init(parsing text: String) throws(RequestError) {
      let word = try NamedPath<ImageFormat>(parsing: text)
      (name, path, format) = (word.name, word.path, word.format)
    }
  }

  /// A format, and where its archive goes: `FORMAT=PLACE` or `FORMAT:LABEL=PLACE`.
  package struct Output: RequestWord, Equatable {
    package let format: String
    /// How options and messages name it: the label, or the format.
    package let label: String
    package let place: OutputPlace

    package init(parsing text: String) throws(RequestError) {
      guard let (head, place) = splitAtEquals(text) else { throw .malformed(text) }
      let words = head.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
      guard (1...2).contains(words.count), !words.contains("") else { throw .malformed(text) }
      self.format = words[0]
      label = words[words.count - 1]
      guard !place.isEmpty else { throw .malformed(text) }
      self.place = try OutputPlace(parsing: place)
    }
  }

  /// For which output, which key, what value: `FORMAT.KEY=VALUE` or `LABEL.KEY=VALUE`.
  package struct Option: RequestWord, Equatable {
    package let label: String
    package let key: String
    package let value: String

    package init(parsing text: String) throws(RequestError) {
      guard let (head, value) = splitAtEquals(text), let dot = head.firstIndex(of: ".") else {
        throw .malformed(text)
      }
      label = String(head[..<dot])
      key = String(head[head.index(after: dot)...])
      self.value = value
      guard !label.isEmpty, !key.isEmpty else { throw .malformed(text) }
    }
  }
}
