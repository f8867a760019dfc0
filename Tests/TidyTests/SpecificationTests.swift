import Testing

/// Every promise names its test, and every test it names exists.
@Suite struct SpecificationTests {
  private let lines: [Substring]

  init() throws {
    lines = try Tree.text("SPECIFICATION.md").split(separator: "\n")
  }

  /// Promises, each with the lines that belong to it.
  private var promises: [(number: String, text: String)] {
    var promises: [(number: String, text: String)] = []
    for line in lines {
      if let match = line.prefixMatch(of: #/([0-9]+[a-z]?)\. /#) {
        promises.append((String(match.output.1), String(line)))
      } else if line.hasPrefix("   "), !promises.isEmpty {
        promises[promises.count - 1].text += "\n" + line
      }
    }
    return promises
  }

  /// A promise that came later stands with its kind: 16a follows 16, and no number shifts.
  @Test func `promises are numbered from 1 without gap`() {
    #expect(promises.count > 20)
    var last = "0"
    for number in promises.map(\.number) {
      #expect(isSuccessor(number, of: last), "\(number) follows \(last)")
      last = number
    }
  }

  private func isSuccessor(_ number: String, of last: String) -> Bool {
    let digits = last.prefix { $0.isNumber }
    let letter = last.dropFirst(digits.count).unicodeScalars.first?.value ?? 0x60
    let next = Int(digits).map { String($0 + 1) }
    return number == next || number == digits + String(UnicodeScalar(UInt8(letter + 1)))
  }

  @Test func `every promise names a test or says that it is pending`() {
    for promise in promises {
      let names = promise.text.contains("→") || promise.text.contains("[test pending]")
      #expect(names, "promise \(promise.number) names no test")
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
        #expect(!named.isEmpty, "promise \(promise.number): an arrow to nothing")
        for name in named {
          let exists = name.contains("/") ? Tree.exists(name) : known.contains(name)
          #expect(exists, "promise \(promise.number): there is no test \"\(name)\"")
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
