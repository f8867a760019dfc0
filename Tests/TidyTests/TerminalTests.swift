import Testing

/// Everything that reaches a terminal or a log goes through one filter (`SafeText.swift`).
@Suite struct TerminalTests {
  /// What writes to a descriptor of its own accord, and why it may.
  private static let writers = [
    "Sources/sluice/LineOutput.swift": "the door itself: filters lines, escapes JSON",
    "Sources/sluice/ProgressBar.swift": "draws numbers, and nothing that anybody has named",
    "Sources/sluice/CommandLineErrors.swift": "help, which is ours; errors go through the door",
    "Sources/sluice-watchdog/Main.swift": "a program of its own, with the same filter",
  ]

  private static let calls = [
    " print(", "fputs(", " printf(", "dprintf(", "perror(", "Glibc.write(", " write(1,",
    " write(2,", ".standard.write(", "FileHandle.standard",
  ]

  @Test func `no other source writes to a terminal`() throws {
    var found: Set<String> = []
    for file in try Tree.sources(in: ["Sources"]) {
      let code = file.lines.filter { !$0.drop { $0 == " " }.hasPrefix("//") }
      let text = code.joined(separator: "\n")
      guard Self.calls.contains(where: text.contains) else { continue }
      found.insert(file.path)
      #expect(Self.writers[file.path] != nil, "\(file.path) writes past LineOutput")
    }
    #expect(found == Set(Self.writers.keys))
  }
}
