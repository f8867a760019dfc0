import CommandLine
import Testing

/// All that plugins say about themselves is shown with `--verbose`, and nothing of it without.
@Suite(.inTurns) struct `Verbose output` {
  private let place: Scratch

  init() throws {
    place = try Scratch()
    try place.makeSparse("d.raw", bytes: 1 << 20, data: [(0, 4096)])
  }

  private func backUp(_ trick: String, _ options: [String]) async throws -> Finding {
    let plugins = try await PluginFolder([trick])
    return try await sluice(
      [
        "backup", "--plugin-path", plugins.path, "--image", "d=d.raw", "--to", "\(trick)=out",
      ] + options, in: place.directory)
  }

  @Test func `is LOG of all levels and text of both channels, each line with its plugin`()
    async throws
  {
    let finding = try await backUp("talks", ["--verbose"])
    #expect(finding.status == 0, "\(finding.errors)")
    let lines = finding.errors.split(separator: "\n").map(String.init)
    #expect(
      lines.filter { $0.hasPrefix("talks: ") } == [
        "talks: debug: looks", "talks: info: opens", "talks: notice: has turned",
      ])
    #expect(
      lines.filter { $0.hasPrefix("talks | ") } == [
        "talks | on the first", "talks | channel", "talks | on the second channel",
      ])
    #expect(
      lines.filter { $0.hasPrefix("sluice: warning: ") } == [
        "sluice: warning: plugin \"talks\": wavers", "sluice: warning: plugin \"talks\": stumbles",
      ])
    #expect(finding.output.contains("talks: out is complete"), "\(finding.output)")
  }

  @Test func `is missing without the option`() async throws {
    let finding = try await backUp("talks", [])
    #expect(finding.status == 0, "\(finding.errors)")
    #expect(!finding.errors.contains("looks") && !finding.errors.contains("channel"))
    #expect(finding.errors.contains("wavers"))
    let json = try await backUp("speaks-at-once", ["--json"])
    #expect(!json.output.contains("plugin-said"))
  }

  @Test func `is an event for each line with --json`() async throws {
    let finding = try await backUp("talks", ["--verbose", "--json"])
    #expect(finding.status == 0, "\(finding.errors)")
    let said = finding.output.split(separator: "\n").filter { $0.contains("\"plugin-said\"") }
    let log = #""plugin":"talks","channel":"log","level":"debug","message":"looks"}"#
    #expect(said.contains { $0.hasSuffix(log) }, "\(said)")
    let text = #""plugin":"talks","channel":"output","message":"on the second channel"}"#
    #expect(said.contains { $0.hasSuffix(text) }, "\(said)")
    #expect(said.count == 6)
  }

  @Test func `has the detail of an error`() async throws {
    let finding = try await backUp("explains-its-error", ["--verbose"])
    #expect(finding.status == 74)
    let lines = finding.errors.split(separator: "\n").map(String.init)
    #expect(
      lines.prefix(2) == [
        "explains-its-error: E_IO: reel 2", "explains-its-error: E_IO: at 7 m",
      ])
    #expect(!(try await backUp("explains-its-error", [])).errors.contains("reel 2"))
  }

  @Test func `leaves out what is over a thousand lines in a second, and counts it`()
    async throws
  {
    let finding = try await backUp("chatters", ["--verbose"])
    #expect(finding.status == 0)
    let lines = finding.errors.split(separator: "\n")
    let shown = lines.filter { $0.hasPrefix("chatters: debug: line ") }.count
    let counts = lines.compactMap { line in
      line.wholeMatch(of: /chatters: ([0-9]+) lines? of LOG left out, over 1000 in a second/)
        .flatMap { Int($0.output.1) }
    }
    #expect(shown >= 1000 && !counts.isEmpty, "\(shown) \(counts)")
    #expect(shown + counts.reduce(0, +) == 5000)
  }

  @Test func `is shown by commands that read, too, but not together with --quiet`() async throws {
    let plugins = try await PluginFolder(["speaks-at-once"])
    let common = ["--plugin-path", plugins.path, "--verbose"]
    let said = "speaks-at-once | here I am"
    #expect(try await backUp("speaks-at-once", []).status == 0)
    for words in [
      ["list", "out"], ["verify", "out"], ["restore", "out", "--to", "back"],
      ["convert", "out", "--to", "raw=other"],
    ] {
      let finding = try await sluice(
        words + ["--format", "speaks-at-once"] + common, in: place.directory)
      #expect(finding.errors.contains(said), "\(words): \(finding.errors)")
      let refused = try await sluice(words + common + ["--quiet"], in: place.directory)
      #expect(refused.status == 64)
      #expect(refused.errors.contains("--verbose and --quiet exclude each other"))
    }
    #expect(try await backUp("speaks-at-once", ["--verbose", "--quiet"]).status == 64)
  }
}
