import CommandLine
import Testing

@testable import Coordinator

/// The README says what the program does: its options, its statuses, its example.
@Suite struct ReadmeTests {
  private let readme: String

  init() throws { readme = try Tree.text("README.md") }

  @Test(arguments: [
    "backup", "restore", "list", "verify", "convert", "clean", "recover", "plugin",
    "plugin list", "plugin info", "doctor",
  ])
  func `every verb and option of the help is in the README`(_ verb: String) async throws {
    let help = try await Self.help(verb)
    #expect(help.contains("USAGE: sluice \(verb)"))
    #expect(readme.contains("sluice \(verb)"))
    for match in help.matches(of: /--[a-z][a-z-]+/) {
      #expect(readme.contains(match.output), "README.md does not mention \(match.output)")
    }
  }

  @Test func `every verb is in this test`() async throws {
    let help = try await Self.help("")
    let verbs = try #require(help.firstRange(of: "SUBCOMMANDS:"))
    let names = help[verbs.upperBound...].matches(of: #/\n  ([a-z]+) /#).map { String($0.output.1) }
    #expect(
      names == [
        "backup", "restore", "list", "verify", "convert", "clean", "recover", "plugin", "doctor",
      ])
  }

  @Test func `the table of exit statuses is the program's`() {
    for status in CommandStatus.allCases {
      let row = "| \(status.rawValue) | \(status.meaning) |"
      #expect(readme.contains(row), "README.md lacks: \(row)")
    }
    let rows = readme.matches(of: #/\n\| [0-9]+ \| /#)
    #expect(rows.count == CommandStatus.allCases.count)
  }

  @Test func `the writer in the README is the one that is compiled`() throws {
    let source = try Tree.text("Tests/Support/readme-writer/Main.swift")
    #expect(readme.contains("```swift\n\(source)```"))
  }

  @Test func `every option of a plugin is in its manual`() throws {
    for manifest in try Tree.files(in: ["Plugins"], [".json"]) {
      let folder = manifest.path.split(separator: "/").dropLast().joined(separator: "/")
      let manual = try Tree.text("\(folder)/README.md")
      let text = manifest.lines.joined(separator: "\n")
      let options = try #require(text.firstRange(of: "\"options\""))
      for match in text[options.upperBound...].matches(of: /"name": "([^"]+)"/) {
        #expect(
          manual.contains("`\(match.output.1)`"), "\(folder)/README.md lacks \(match.output.1)")
      }
    }
  }

  @Test(arguments: ["README.md", "SPECIFICATION.md", "CONTRIBUTING.md", "docs/ARCHITECTURE.md"])
  func `a link leads to a file of the tree`(_ document: String) throws {
    let folder = document.hasPrefix("docs/") ? "docs/" : ""
    for match in try Tree.text(document).matches(of: /\]\(([^)#:]+)\)/) {
      let path = folder + match.output.1
      #expect(Tree.exists(path), "\(document) links to \(path)")
    }
  }

  /// What the program of this build says of itself.
  private static func help(_ verb: String) async throws -> String {
    let finding = try await sluice(["help"] + verb.split(separator: " ").map(String.init))
    #expect(finding.status == 0)
    return finding.output
  }
}
