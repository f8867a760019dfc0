/// A path in which `{vmid}` and `{time}` stand for what a backup is of: for stores that go by file
/// names, as Proxmox does. A doubled brace is a brace.
package struct NamePattern: Sendable, Equatable {
  private enum Part: Equatable {
    case text(String)
    case machine
    case time
  }

  /// As it was written.
  package let text: String
  private let parts: [Part]

  /// - Throws: `RequestError` for an unmatched brace or an unknown placeholder.
  package init(parsing path: String) throws(RequestError) {
    var parts: [Part] = []
    var text = ""
    var rest = path[...]
    while let character = rest.popFirst() {
      if character == "{" || character == "}", rest.first == character {
        rest.removeFirst()
        text.append(character)
      } else if character == "{", let end = rest.firstIndex(of: "}") {
        parts += [.text(text), try Self.part(String(rest[..<end]), path)]
        text = ""
        rest = rest[rest.index(after: end)...]
      } else if character == "{" || character == "}" {
        throw .unmatchedBrace(pattern: path, character)
      } else {
        text.append(character)
      }
    }
    self.text = path
    self.parts = parts + [.text(text)]
  }

  /// A name that stands for nothing but itself.
  package init(literal path: String) {
    text = path
    parts = [.text(path)]
  }

  private static func part(_ word: String, _ path: String) throws(RequestError) -> Part {
    switch word {
    case "vmid": .machine
    case "time": .time
    default: throw .unknownPlaceholder(pattern: path, word)
    }
  }

  /// Whether the name is the same at any time, for any VM.
  package var isPlain: Bool { !parts.contains(.machine) && !parts.contains(.time) }

  /// Whether its directory is the same at any time, for any VM.
  package var isDirectoryPlain: Bool {
    guard let first = parts.firstIndex(where: { $0 == .machine || $0 == .time }) else {
      return true
    }
    return parts[first...].allSatisfy { part in
      guard case .text(let text) = part else { return true }
      return !text.contains("/")
    }
  }

  /// - Throws: `RequestError` if the name needs the VM's ID, and this one cannot be a part of it.
  package func requireUsable(_ vmID: String) throws(RequestError) {
    guard parts.contains(.machine), !Self.isPartOfName(vmID) else { return }
    throw vmID.isEmpty ? .unknownVMID : .unusableVMID(vmID)
  }

  /// The path for one backup.
  ///
  /// - Parameters:
  ///   - vmID: A part of a name, or it is refused: it may come from an archive.
  ///   - time: Of the backup, as it is to stand in a name.
  package func path(vmID: String, time: String) throws(RequestError) -> String {
    try requireUsable(vmID)
    return parts.map { part in
      switch part {
      case .text(let text): text
      case .machine: vmID
      case .time: time
      }
    }.joined()
  }

  private static func isPartOfName(_ id: String) -> Bool {
    (1...64).contains(id.utf8.count)
      && id.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
  }
}
