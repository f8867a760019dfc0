import Testing

/// Every promise names its test, and every test it names exists.
@Suite struct SpecificationTests {
  private let lines: [Substring]

  init() throws {
    lines = try Tree.text("SPECIFICATION.md").split(separator: "\n")
  }

  /// A promise with the lines that belong to it; its id is `SECTION-NUMBER`.
  private struct Promise {
    let section: String
    let number: Int
    var text: String
    var id: String { "\(section)-\(number)" }
  }

  private var promises: [Promise] {
    var promises: [Promise] = []
    for line in lines {
      if let match = line.prefixMatch(of: #/- \[([a-z]+)-([0-9]+)\] /#), let number = Int(match.2) {
        promises.append(Promise(section: String(match.1), number: number, text: String(line)))
      } else if line.hasPrefix("  "), !promises.isEmpty {
        promises[promises.count - 1].text += "\n" + line
      }
    }
    return promises
  }

  /// The last id that each section has given away, whether its promise is still there or not.
  private var lastIDs: [String: Int] {
    var numbers: [String: Int] = [:]
    for line in lines {
      if let match = line.wholeMatch(of: /<!-- last id: ([a-z]+)-([0-9]+) -->/) {
        numbers[String(match.1)] = Int(match.2)
      }
    }
    return numbers
  }

  @Test func `an id is given once, and never beyond the last of its section`() {
    #expect(promises.count >= 147)
    var seen: Set<String> = []
    for promise in promises {
      #expect(seen.insert(promise.id).inserted, "\(promise.id) is given twice")
      #expect(
        promise.number >= 1 && promise.number <= lastIDs[promise.section] ?? 0,
        "\(promise.id): raise the last id of its section")
    }
  }

  @Test func `a promise stands in its own section`() {
    var section = ""
    for line in lines {
      if let match = line.wholeMatch(of: /<!-- last id: ([a-z]+)-([0-9]+) -->/) {
        section = String(match.1)
      } else if let match = line.prefixMatch(of: #/- \[([a-z]+)-([0-9]+)\] /#) {
        #expect(match.1 == section, "\(match.1)-\(match.2) stands in \(section)")
      }
    }
  }

  @Test func `every promise names a test or says that it is pending`() {
    for promise in promises {
      let names = promise.text.contains("→") || promise.text.contains("[test pending]")
      #expect(names, "\(promise.id) names no test")
    }
  }

  @Test func `every test that is named exists`() throws {
    let tests = try Tree.sources(in: ["Tests"]).flatMap(\.lines).compactMap { line in
      line.firstMatch(of: /func `([^`]+)`/).map { String($0.output.1) }
    }
    let known = Set(tests)
    for promise in promises {
      for line in promise.text.split(separator: "\n") where line.contains("→") {
        let named = line.matches(of: /`([^`]+)`/).map { String($0.output.1) }
        #expect(!named.isEmpty, "\(promise.id): an arrow to nothing")
        for name in named {
          let exists = name.contains("/") ? Tree.exists(name) : known.contains(name)
          #expect(exists, "\(promise.id): there is no test \"\(name)\"")
        }
      }
    }
  }

  @Test func `every survivor of an attack is named`() throws {
    let table = try Tree.text("Tests/SandboxTests/AttackTable.swift")
    let goals = table.matches(of: /"([a-z]+-[a-z-]+)"(?::|\] =)/).map { String($0.output.1) }
    #expect(goals.count > 3)
    let section = try Tree.text("SPECIFICATION.md").split(separator: "### Survivors").last ?? ""
    for goal in goals {
      #expect(section.contains("`\(goal)`"), "SPECIFICATION.md does not name \(goal)")
    }
  }
}
