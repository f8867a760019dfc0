internal import ArgumentParser

/// A command that does not exist.
struct UnknownCommand: Error {
  /// The lines for standard error.
  let text: String
}

extension Sluice {
  /// Refuses a command that does not exist and suggests one that does.
  ///
  /// ArgumentParser makes suggestions for options only.
  static func refuseUnknownCommand(_ arguments: ArraySlice<String>) throws {
    var words = arguments
    if words.first == "help" { words.removeFirst() }
    var command: any ParsableCommand.Type = Sluice.self
    var path = name(command)
    while let word = words.popFirst(), !word.hasPrefix("-") {
      let commands = command.configuration.subcommands
      guard !commands.isEmpty, word != "help" else { return }
      guard let next = commands.first(where: { name($0) == word }) else {
        let hint = nearest(to: word, of: commands.map(name)).map { "; did you mean \"\($0)\"?" }
        throw UnknownCommand(
          text: "\(_errorPrefix)unknown command \"\(word)\"\(hint ?? "")\n"
            + "  See '\(path) --help' for more information.")
      }
      command = next
      path += " " + word
    }
  }

  /// The command's name on the command line; most have that of their type.
  private static func name(_ command: any ParsableCommand.Type) -> String {
    command.configuration.commandName ?? String(describing: command).lowercased()
  }
}

/// The name with the fewest edits, at most a third of its letters, or `nil`.
func nearest(to word: String, of names: [String]) -> String? {
  let ranked = names.map { (name: $0, edits: editDistance(word, $0)) }
  guard let best = ranked.min(by: { $0.edits < $1.edits }) else { return nil }
  return best.edits <= max(1, (best.name.count + 1) / 3) ? best.name : nil
}

/// Letters to insert, remove, exchange or swap with their neighbour to turn one word into another.
func editDistance(_ first: String, _ second: String) -> Int {
  let (a, b) = (Array(first), Array(second))
  var before: [Int] = []
  var above = Array(0...b.count)
  for i in a.indices {
    var row = [i + 1]
    for j in b.indices {
      var edits = min(above[j + 1] + 1, row[j] + 1, above[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
        edits = min(edits, before[j - 1] + 1)
      }
      row.append(edits)
    }
    (before, above) = (above, row)
  }
  return above[b.count]
}
