import Testing

/// What the sources say of protocol.md is there.
@Suite struct ClauseTests {
  private static let rulesFile = "Sources/BackupProtocol/ProtocolRule.swift"

  /// Numbers of the sections and rules of protocol.md.
  private static func clauses() throws -> Set<String> {
    let document = try Tree.text("protocol.md")
    let rules = document.matches(of: #/(?m)^- \[(\d+(?:\.\d+)?-\d+)\] /#).map(\.output.1)
    let sections = document.matches(of: #/(?m)^#+ §(\d+(?:\.\d+)?) /#).map(\.output.1)
    return Set((rules + sections).map(String.init))
  }

  @Test func `every clause that a message can cite exists`() throws {
    let (clauses, text) = (try Self.clauses(), try Tree.text(Self.rulesFile))
    let cited = text.matches(of: /"(\d+(?:\.\d+)?(?:-\d+)?)"/).map { String($0.output.1) }
    #expect(cited.count > 50)
    for clause in cited where !clauses.contains(clause) {
      Issue.record("\(Self.rulesFile) cites \(clause), which protocol.md does not have")
    }
  }

  @Test func `every clause that a comment cites exists`() throws {
    let clauses = try Self.clauses()
    let citation = /protocol\.md,? §(\d+(?:\.\d+)?)|\[(\d+\.\d+-\d+)\]/
    for file in try Tree.sources() where file.path.hasSuffix(".swift") {
      for line in file.lines {
        for match in line.matches(of: citation) {
          let clause = String(match.output.1 ?? match.output.2 ?? "")
          #expect(clauses.contains(clause), "\(file.path): \(line)")
        }
      }
    }
  }

  @Test func `no other source gives a clause to an offence`() throws {
    for file in try Tree.sources(in: ["Sources", "Plugins"]) where file.path != Self.rulesFile {
      for line in file.lines where line.contains("ProtocolRule(\"") {
        Issue.record("\(file.path): \(line)")
      }
    }
  }
}
