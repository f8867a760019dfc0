package import JSON

/// The command line of a QEMU, as an archive has it.
package struct RecordedLine: Equatable, Sendable {
  /// What stands for a secret that was not recorded.
  package static let redactedMark = "<redacted>"
  /// Words of a line, and bytes of all of them.
  package static let wordsMax = 8192
  package static let bytesMax = 256 << 10

  /// With the name of the program.
  package let arguments: [String]
  /// The program's working directory; empty if unknown.
  package let directory: String
  /// The program's file; empty if unknown.
  package let executable: String
  /// What was taken out of it, a few words each: `-object secret0: data`.
  package let redacted: [String]

  package init(arguments: [String], directory: String, executable: String, redacted: [String]) {
    self.arguments = arguments
    self.directory = directory
    self.executable = executable
    self.redacted = redacted
  }

  /// - Parameter facts: Of any origin; `nil` if it has no command line, or none that is one.
  package init?(facts: JSONValue) {
    guard let line = facts["command-line"], let list = line["arguments"]?.array,
      (1...Self.wordsMax).contains(list.count)
    else { return nil }
    let arguments = list.compactMap(\.string)
    guard arguments.count == list.count,
      arguments.reduce(0, { $0 + $1.utf8.count }) <= Self.bytesMax
    else { return nil }
    self.arguments = arguments
    directory = line["directory"]?.string ?? ""
    executable = line["executable"]?.string ?? ""
    redacted = (line["redacted"]?.array ?? []).compactMap(\.string)
  }

  package var options: [LineOption] { LineOption.list(Array(arguments.dropFirst())) }

  package var json: JSONValue {
    [
      "arguments": JSONValue(arguments), "directory": .string(directory),
      "executable": .string(executable), "redacted": JSONValue(redacted),
    ]
  }
}
