import CommandLine
import Conformance
import Glibc
import System
import Testing

/// Every rule of protocol.md has its cases, or a named reason why it has none.
@Suite struct CoverageTests {
  private static let top = String(
    #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" })

  /// Numbers of all rules, in the order of the document.
  private let rules: [String]
  private let document: String

  init() throws {
    document = String(
      decoding: try readSmallFile(Self.top + "/protocol.md", limit: 1 << 20), as: UTF8.self)
    rules = document.matches(of: #/(?m)^- \[(\d+(?:\.\d+)?-\d+)\] /#).map { String($0.output.1) }
  }

  @Test func `every rule that binds plugins has a case, or a reason why it has none`() {
    #expect(rules.count > 150)
    for rule in rules where !ConformanceCoverage.ofHosts.contains(rule) {
      let isKnown =
        ConformanceCoverage.cases[rule] != nil || ConformanceCoverage.always[rule] != nil
        || ConformanceCoverage.untestable[rule] != nil
      #expect(isKnown, "[\(rule)] has neither a case nor a reason")
    }
  }

  @Test func `no rule has both cases and a reason why there are none`() {
    for rule in ConformanceCoverage.untestable.keys {
      #expect(ConformanceCoverage.cases[rule] == nil, "[\(rule)] has cases after all")
      #expect(!ConformanceCoverage.ofHosts.contains(rule), "[\(rule)] binds hosts only, or plugins")
    }
  }

  @Test func `every clause that a case cites exists`() {
    let sections = document.matches(of: #/(?m)^#+ §(\d+(?:\.\d+)?) /#).map { String($0.output.1) }
    let known = Set(rules + sections)
    for one in ConformanceCase.all {
      #expect(!one.clauses.isEmpty, "\(one.id) proves nothing")
      for clause in one.clauses { #expect(known.contains(clause), "\(one.id) cites \(clause)") }
    }
    let reasons =
      Array(ConformanceCoverage.always.keys) + ConformanceCoverage.untestable.keys
      + ConformanceCoverage.ofHosts
    for clause in reasons { #expect(known.contains(clause), "\(clause) is no clause") }
  }

  @Test func `an id is given once`() {
    let ids = ConformanceCase.all.map(\.id)
    #expect(Set(ids).count == ids.count, "\(Set(ids.filter { id in ids.count { $0 == id } > 1 }))")
  }

  /// `SLUICE_WRITE_DOCUMENTS=1` writes it.
  @Test func `the table of rules is made from the cases`() throws {
    let path = Self.top + "/docs/conformance.md"
    let text = ConformanceCoverage.document(rules)
    if getenv("SLUICE_WRITE_DOCUMENTS") != nil {
      let file = try openFile(path, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
      try Array(text.utf8).withUnsafeBytes { try file.writeAll($0, at: 0, subject: path) }
    }
    let found = String(decoding: try readSmallFile(path, limit: 1 << 20), as: UTF8.self)
    #expect(found == text, "SLUICE_WRITE_DOCUMENTS=1 ./run-tests --filter CoverageTests")
  }
}
