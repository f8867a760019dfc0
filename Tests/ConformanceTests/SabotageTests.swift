import CommandLine
import Testing

/// A plugin that does one thing wrong, and the clause by which `check` must name it.
struct Wrong: Sendable, CustomTestStringConvertible {
  /// Trick of `misbehaving-plugin`.
  let trick: String
  let clause: String
  var needs: [String] = []

  var testDescription: String { trick }

  static let all = [
    Wrong(trick: "releases-twice", clause: "4.11-1"),
    Wrong(trick: "releases-the-future", clause: "4.11-1"),
    Wrong(trick: "unknown-feature", clause: "4.2-3"),
    Wrong(trick: "wrong-name", clause: "2.3-4"),
    Wrong(trick: "version-two", clause: "4.2-2"),
    Wrong(trick: "broken-json", clause: "1.3"),
    Wrong(trick: "prints-usage", clause: "3.1-1"),
    Wrong(trick: "accepts-twice", clause: "3.4-3"),
    Wrong(trick: "sends-data", clause: "3.4-3"),
    Wrong(trick: "unknown-frame", clause: "3.4-2"),
    Wrong(trick: "skips-a-number", clause: "3.2-2"),
    Wrong(trick: "four-gib-length", clause: "3.2-1"),
    Wrong(trick: "sets-reserved", clause: "1.2-2"),
    Wrong(trick: "half-a-frame-then-dies", clause: "3.2-5"),
    Wrong(trick: "finishes-early", clause: "3.4-3"),
    Wrong(trick: "speaks-after-finished", clause: "4.4-2"),
    Wrong(trick: "takes-no-map", clause: "11-4", needs: ["map"]),
    Wrong(trick: "opens-a-socket", clause: "18"),
    Wrong(trick: "announces-a-ghost", clause: "4.4-1"),
    Wrong(trick: "announces-more-stored", clause: "4.4-4"),
    Wrong(trick: "leaves-without-a-word", clause: "4.4-1"),
    Wrong(trick: "fails-after-finished", clause: "2.4-1"),
    Wrong(trick: "never-releases", clause: "8.2-2"),
  ]
}

/// What is wrong with a plugin is found in the real sandbox, and named.
@Suite(.inTurns) struct SabotageTests {
  @Test(arguments: Wrong.all)
  func `a plugin that does one thing wrong fails by its clause`(wrong: Wrong) async throws {
    let plugins = try await PluginFolder([wrong.trick], needs: wrong.needs)
    let finding = try await sluice(
      [
        "plugin", "check", "--case", "core.archive", "--json",
        "\(plugins.path)/\(wrong.trick).json",
      ], within: 120)
    #expect(finding.status == 76, "\(finding.errors)")
    #expect(finding.left == [])
    let failures = finding.lines.filter { $0.contains("\"result\":\"fail\"") }
    #expect(failures.contains { $0.contains("\"clause\":\"\(wrong.clause)\"") }, "\(failures)")
  }

  @Test func `what stands on a case that fails is not tried`() async throws {
    let plugins = try await PluginFolder(["wrong-name"])
    let finding = try await sluice(
      ["plugin", "check", "--level", "read", "\(plugins.path)/wrong-name.json"])
    #expect(finding.status == 76)
    #expect(finding.lines.filter { $0.contains("# SKIP needs core.hello") }.count > 10)
    // The first says what is wrong.
    #expect(finding.lines.filter { $0.hasPrefix("not ok") }.count == 1)
    #expect(finding.output.contains("clause: \"2.3-4\""))
  }
}

/// The command itself.
@Suite(.inTurns) struct CheckCommandTests {
  private static let raw = Build.directory + "/../../../Plugins/raw"

  @Test(arguments: ["/raw.json", ""])
  func `a manifest and its directory mean the same plugin`(_ end: String) async throws {
    let finding = try await sluice(["plugin", "check", "--case", "core.info", Self.raw + end])
    #expect(finding.status == 0, "\(finding.errors)")
    #expect(finding.lines.filter { $0.hasPrefix("ok 1 - core.info [2.2-2]") }.count == 1)
  }

  @Test func `an executable is found by its manifest`() async throws {
    let finding = try await sluice(
      ["plugin", "check", "--case", "core.info", Build.directory + "/sluice-writer-raw"])
    #expect(finding.status == 0, "\(finding.errors)")
  }

  @Test func `without a sandbox the same is found`() async throws {
    let finding = try await sluice(
      ["plugin", "check", "--sandbox", "off", "--case", "core.archive", Self.raw])
    #expect(finding.status == 0, "\(finding.errors)")
    #expect(finding.lines.contains { $0.hasPrefix("ok 1 - core.archive (raw, directory)") })
  }

  @Test func `JUnit has a suite for each level`() async throws {
    let finding = try await sluice(
      [
        "plugin", "check", "--format", "junit", "--case", "core.info", "--case", "read.list",
        Self.raw,
      ])
    #expect(finding.status == 0, "\(finding.errors)")
    #expect(finding.lines.first == #"<?xml version="1.0" encoding="UTF-8"?>"#)
    for level in ["core", "read"] {
      #expect(
        finding.output.contains(#"<testsuite name="\#(level)" tests="1" failures="0" skipped="0">"#)
      )
    }
  }

  @Test func `what there is no plugin at is an error`() async throws {
    let missing = try await sluice(["plugin", "check", "/nonexistent"])
    #expect(missing.status == 66)
    #expect(missing.errors.contains("cannot open /nonexistent"))
    let place = try Scratch()
    let empty = try await sluice(["plugin", "check", place.directory])
    #expect(empty.status == 66)
    #expect(empty.errors.contains("no manifest (*.json) belongs to"))
    let unknown = try await sluice(["plugin", "check", "--case", "core.nothing", Self.raw])
    #expect(unknown.status == 64)
  }
}
