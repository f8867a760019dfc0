internal import System

/// A folder with a plugin that is a script, and its manifest.
package final class ScriptFolder: Sendable {
  /// Which plugin; its name is that of its format, too.
  package enum Script: String, Sendable, CaseIterable {
    /// In Python: the one of protocol.md §19, which writes directories.
    case minimal
    /// In Perl; it writes one disk as a file.
    case perl
  }

  /// Whether scripts can run here.
  package static let canRun = Build.has("python3") && Build.has("perl")

  private static let tree: String =
    (0..<4).reduce(#filePath) { path, _ in splitPath(path).directory }

  private let files: Scratch
  package var path: String { files.directory }

  /// - Parameters:
  ///   - code: A line that the minimal plugin runs when a stream begins.
  ///   - change: A command of the shell that is run in the folder at last.
  package init(
    _ script: Script, inserting code: String = "pass", change: String = "true"
  ) async throws {
    files = try Scratch()
    try await files.shell("chmod 755 .")
    switch script {
    case .minimal:
      let begin = "            made.append(name)\n"
      let text = try Self.listing("python minimal-plugin")
        .replacing(begin, with: begin + "            \(code)\n")
      try files.create("minimal.py", Array(text.utf8))
      // Executable by itself, too: then only its manifest says that it is a script.
      try await files.shell(
        "chmod 755 minimal.py && SLUICE_PROTOCOL=info /usr/bin/python3 minimal.py > minimal.json")
    case .perl:
      try await files.shell("cp '\(Self.tree)/Tests/Support/perl-writer/'* .")
    }
    try await files.shell(change)
  }

  /// What protocol.md prints between "```LABEL" and "```".
  private static func listing(_ label: String) throws -> String {
    let bytes = try readSmallFile(tree + "/protocol.md", limit: 4 << 20)
    let lines = String(decoding: bytes, as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false)
    return lines.drop { $0 != "```" + label }.dropFirst().prefix { $0 != "```" }
      .map { $0 + "\n" }.joined()
  }
}
