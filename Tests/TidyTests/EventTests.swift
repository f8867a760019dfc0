import Testing

/// docs/events.md describes the events that the sources make.
@Suite struct EventTests {
  /// Names of events in the sources, with the file of each.
  private static func names() throws -> [String: String] {
    let makers = [
      /"event"\] = "([a-z-]+)"/,
      /"event": "([a-z-]+)"/,
      /GuestStep\(\s*"([a-z-]+)"/,
      /[^a-zA-Z.]tell\(\s*"([a-z-]+)"/,
    ]
    var names: [String: String] = [:]
    for file in try Tree.sources(in: ["Sources/Coordinator", "Sources/sluice"]) {
      let text = file.lines.joined(separator: "\n")
      for maker in makers {
        for match in text.matches(of: maker) { names[String(match.output.1)] = file.path }
      }
    }
    return names
  }

  @Test func `every event of the sources is documented, and no other`() throws {
    let document = try Tree.text("docs/events.md")
    let names = try Self.names()
    #expect(names.count > 20)
    for (name, path) in names {
      #expect(document.contains("\n### \(name)\n"), "docs/events.md lacks \(name) of \(path)")
      #expect(
        document.contains("{\"schema\":1,\"event\":\"\(name)\""),
        "docs/events.md has no example of \(name)")
    }
    for match in document.matches(of: /\n### ([a-z-]+)\n/) {
      let name = String(match.output.1)
      #expect(names[name] != nil, "docs/events.md describes \(name), which no source makes")
    }
  }

  /// Every maker of a step or an event in the sources is one that the test above can read.
  @Test func `no event has a name that is put together`() throws {
    for file in try Tree.sources(in: ["Sources/Coordinator", "Sources/sluice"]) {
      let text = file.lines.joined(separator: "\n")
      for match in text.matches(of: /GuestStep\(\s*([^"\s])/) {
        #expect(
          match.output.1 == "n", "\(file.path) makes a step whose name is not a literal")
      }
    }
  }

  @Test func `every field that an event may have is documented`() throws {
    let document = try Tree.text("docs/events.md")
    let files = [
      "JobEvent+JSON.swift", "JobReport+JSON.swift", "CleanJob.swift", "ErrorText.swift",
      "EventText.swift", "ReadingVerbs.swift", "LineOutput.swift", "Version.swift",
    ]
    let sources = try Tree.sources(in: ["Sources/Coordinator", "Sources/sluice"])
    for file in sources where files.contains(String(file.name)) {
      let text = file.lines.joined(separator: "\n")
      let fields =
        text.matches(of: /object\["([a-z_]+)"\]/).map { String($0.output.1) }
        + text.matches(of: /"([a-z_]+)": (?:\.|JSONValue|stream|frozen)/).map {
          String($0.output.1)
        }
      #expect(!fields.isEmpty, "\(file.path) has no fields")
      for field in fields where field != "event" {
        let isDocumented = document.contains("`\(field)`") || document.contains("`\(field)[]`")
        #expect(isDocumented, "docs/events.md lacks \(field) of \(file.path)")
      }
    }
  }
}
