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

  /// - Throws: `JobError` for an unmatched brace or an unknown placeholder.
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
        throw Self.wrong(path, "an unmatched \(character)")
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
    default: throw wrong(path, "an unknown placeholder {\(word)}")
    }
  }

  private static func wrong(_ path: String, _ what: String) -> JobError {
    JobError(
      .usage, doing: "", "\"\(cleaned(path))\" has \(what)",
      hint: "placeholders are {vmid} and {time}; write a literal brace twice")
  }

  /// Whether the name depends on the VM ID.
  var needsMachine: Bool { parts.contains(.machine) }
  /// Whether the name is the same at any time, for any VM.
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
          ? "{vmid} is used but the VM ID is unknown"
          : "VM ID \"\(machine.id)\" cannot be part of a file name",
        hint: "specify it with --vm-id")
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
