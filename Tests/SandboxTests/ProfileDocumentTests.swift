import Foundation
import Testing

@testable import Sandbox
@testable import System

/// protocol.md §2.5 against the policies. `SLUICE_WRITE_DOCUMENTS=1` writes what they say into it.
@Suite struct ProfileDocumentTests {
  private static let path =
    splitPath(splitPath(splitPath(#filePath).directory).directory).directory + "/protocol.md"
  private static let marks = (
    "<!-- profiles: begin, written by ProfileDocumentTests -->\n", "<!-- profiles: end -->\n"
  )

  /// The document cut into what is before the tables, the tables, and what is behind.
  private func parts() throws -> [String] {
    let text = try String(contentsOfFile: Self.path, encoding: .utf8)
    let begin = try #require(text.range(of: Self.marks.0))
    let end = try #require(text.range(of: Self.marks.1))
    return [
      String(text[..<begin.upperBound]), String(text[begin.upperBound..<end.lowerBound]),
      String(text[end.lowerBound...]),
    ]
  }

  @Test func `what profiles show and grant is in protocol dot md as the policies have it`() throws {
    let parts = try parts()
    let expected = "\n" + ProfileDocument().text + "\n"
    if ProcessInfo.processInfo.environment["SLUICE_WRITE_DOCUMENTS"] == "1" {
      try (parts[0] + expected + parts[2]).write(
        toFile: Self.path, atomically: true, encoding: .utf8)
    }
    #expect(try self.parts()[1] == expected, "SLUICE_WRITE_DOCUMENTS=1 writes it")
  }

  @Test func `no table is empty, and every call of a policy is in one`() {
    let text = ProfileDocument().text
    let policies: [SandboxPolicy] = [
      .dynamicPlugin(PluginResources(), grant: .writableDirectory),
      .commandPlugin(CommandPaths(), PluginResources(), grant: .writableDirectory),
    ]
    for rule in policies.flatMap(\.rules) {
      #expect(text.contains("`\(rule.call)`") && text.contains(rule.reason), "\(rule.call)")
    }
    for place in VisiblePlace.libraries + InterpreterProfile.perl.places
      + InterpreterProfile.shell.places
    {
      #expect(place.reason.count > 3 && text.contains("`\(place.path)`"))
    }
  }

  @Test(arguments: InterpreterProfile.all)
  func `no interpreter sees what a site or a user has installed`(profile: InterpreterProfile) {
    for place in profile.places {
      #expect(!place.path.hasPrefix("/usr/local") && !place.path.hasPrefix("/home"))
      #expect(!place.rights.contains(.write) && !place.rights.contains(.device))
    }
  }
}

extension InterpreterProfile: CustomTestStringConvertible {
  public var testDescription: String { name }
}
