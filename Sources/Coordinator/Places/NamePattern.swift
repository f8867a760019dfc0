internal import BackupProtocol
internal import Glibc

/// A path of `--to` in which `{vmid}` and `{time}` stand for what a backup is of: for stores that
/// go by file names, as Proxmox does. A doubled brace is a brace.
struct NamePattern {
  private enum Part: Equatable {
    case text(String)
    case machine
    case time
  }

  private let parts: [Part]

  /// - Throws: `JobError` for a brace that is not closed, or a word that stands for nothing.
  init(_ path: String) throws(JobError) {
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
        throw Self.wrong(path, "a \(character) that stands alone")
      } else {
        text.append(character)
      }
    }
    self.parts = parts + [.text(text)]
  }

  private static func part(_ word: String, _ path: String) throws(JobError) -> Part {
    switch word {
    case "vmid": .machine
    case "time": .time
    default: throw wrong(path, "{\(word)}, which stands for nothing")
    }
  }

  private static func wrong(_ path: String, _ what: String) -> JobError {
    JobError(
      .usage, doing: "", "\"\(cleaned(path))\" has \(what)",
      hint: "{vmid} and {time} are known; a brace itself is doubled")
  }

  /// Whether the name hangs on the machine's id.
  var needsMachine: Bool { parts.contains(.machine) }
  /// Whether the name is the same at any time, for any machine.
  var isPlain: Bool { !parts.contains(.machine) && !parts.contains(.time) }

  /// The path for one backup.
  ///
  /// - Parameters:
  ///   - machine: Its id is a part of a name, or is refused: it may come from an archive.
  ///   - instant: RFC 3339 in UTC; in the name it is local time, as it is to Proxmox.
  func path(_ machine: Job.Machine, instant: String) throws(JobError) -> String {
    guard !needsMachine || Self.isPartOfName(machine.id) else {
      throw JobError(
        .usage, doing: "",
        machine.id.isEmpty
          ? "nobody says what {vmid} is" : "\"\(machine.id)\" cannot be a part of a file name",
        hint: "--vm-id says it")
    }
    return parts.map { part in
      switch part {
      case .text(let text): text
      case .machine: machine.id
      case .time: makeNameOfTime(instant)
      }
    }.joined()
  }

  private static func isPartOfName(_ id: String) -> Bool {
    (1...64).contains(id.utf8.count)
      && id.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
  }
}
