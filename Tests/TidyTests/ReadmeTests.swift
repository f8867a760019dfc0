import CommandLine
@testable import JobSupport
import Testing

/// The documentation says what the program does: its options, statuses, events and example.
@Suite(.inTurns) struct ReadmeTests {
  private let reference: String

  init() throws { reference = try Tree.text("docs/reference.md") }

  @Test func `the README has at most 200 lines`() throws {
    let lines = try Tree.text("README.md").split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count <= 201)
  }

  @Test(arguments: [
    "backup", "restore", "read", "list", "verify", "convert", "clean", "recover", "plugin",
    "plugin list", "plugin info", "plugin new", "plugin check", "plugin record", "plugin dump",
    "plugin replay", "plugin bench", "doctor", "version",
  ])
  func `every command and option of the help is in the reference`(_ verb: String) async throws {
    let help = try await Self.help(verb)
    #expect(help.contains("USAGE: sluice \(verb)"))
    #expect(reference.contains("sluice \(verb)"))
    for match in help.matches(of: /--[a-z][a-z-]+/) {
      #expect(
        reference.contains("`\(match.output)`"), "docs/reference.md does not list \(match.output)")
    }
  }

  @Test func `every verb is in this test`() async throws {
    let help = try await Self.help("")
    let verbs = try #require(help.firstRange(of: "SUBCOMMANDS:"))
    let names = help[verbs.upperBound...].matches(of: #/\n  ([a-z]+) /#).map { String($0.output.1) }
    #expect(
      names == [
        "backup", "restore", "read", "list", "verify", "convert", "clean", "recover", "plugin",
        "doctor", "version",
      ])
  }

  @Test func `the table of exit statuses is the program's`() {
    for status in CommandStatus.allCases {
      let row = "| \(status.rawValue) | \(status.meaning) |"
      #expect(reference.contains(row), "docs/reference.md lacks: \(row)")
    }
    let rows = reference.matches(of: #/\n\| [0-9]+ \| /#)
    #expect(rows.count == CommandStatus.allCases.count)
  }

  @Test func `the writer in the plugin guide is the one that is compiled`() throws {
    let guide = try Tree.text("docs/plugins.md")
    let source = try Tree.text("Tests/Support/readme-writer/Main.swift")
    #expect(guide.contains("```swift\n\(source)```"))
    let manifest = try Tree.text("Tests/Support/readme-writer/plain.json")
    #expect(guide.contains("```json\n\(manifest)```"))
  }

  @Test func `every option of a plugin is in its manual`() throws {
    for manifest in try Tree.files(in: ["Plugins"], [".json"])
    where manifest.name != "constants.json" && !manifest.path.hasPrefix("Plugins/sdk/new/") {
      let folder = manifest.path.split(separator: "/").dropLast().joined(separator: "/")
      // The examples of the SDKs have one format and one page.
      let isExample = manifest.name == "reel.json"
      let isScript = folder == "Plugins/sdk/shell/zst"
      let page =
        isExample
        ? "Plugins/sdk/FORMAT.md" : isScript ? "Plugins/sdk/shell/README.md" : "\(folder)/README.md"
      let manual = try Tree.text(page)
      let text = manifest.lines.joined(separator: "\n")
      // Of all names, those of options are followed by a type.
      let options = text.matches(of: /"name": "([^"]+)",\s*"type"/)
      #expect(!options.isEmpty, "\(manifest.path)")
      for match in options {
        #expect(manual.contains("`\(match.output.1)`"), "\(page) lacks \(match.output.1)")
      }
    }
  }

  /// What the program of this build says of itself.
  private static func help(_ verb: String) async throws -> String {
    let finding = try await sluice(["help"] + verb.split(separator: " ").map(String.init))
    #expect(finding.status == 0)
    return finding.output
  }
}
