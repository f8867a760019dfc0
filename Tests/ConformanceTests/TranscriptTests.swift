import CommandLine
import Testing

/// What is said in the cases of a check can be read.
@Suite(.inTurns) struct `The transcript of a check` {
  private static let raw = Build.directory + "/../../../Plugins/raw/raw.json"

  private func check(_ place: Scratch, _ words: [String]) async throws -> Finding {
    try await sluice(["plugin", "check"] + words, in: place.directory, within: 100)
  }

  @Test func `has every frame of each case, below its id, with its session`() async throws {
    let place = try Scratch()
    let ids = ["core.info", "core.hello", "core.archive", "core.seq-gap"]
    let finding = try await check(
      place, ids.flatMap { ["--case", $0] } + ["--trace", "t", Self.raw])
    #expect(finding.status == 0, "\(finding.output)")
    let lines = String(decoding: try place.bytes("t"), as: UTF8.self)
      .split(separator: "\n").map(String.init)
    let heads = lines.filter { line in ids.contains { line.hasPrefix($0 + " ") } }
    #expect(heads.map { $0.prefix { $0 != " " }.description } == ids)
    #expect(heads.allSatisfy { $0.hasSuffix(": passed") }, "\(heads)")
    var id = ""
    for line in lines {
      if heads.contains(line) { id = String(line.prefix { $0 != " " }) }
      #expect(line.hasPrefix("\(id) ") || line.contains(" \(id)(session "), "\(line)")
    }
    let archive = lines.filter { $0.contains(" core.archive(session ") }
    for words in ["-> OPEN #", "<- RELEASE #", "<- FINISHED #", "-> READ #", "-- ended with exit"] {
      #expect(archive.contains { $0.contains(words) }, "\(words)")
    }
    #expect(archive.contains { $0.contains("(session 2) ") || $0.contains("(session 2, ") })
    let gap = lines.filter { $0.contains(" core.seq-gap(session ") && !$0.contains("foundation") }
    #expect(gap.contains { $0.contains("-> cannot be understood: ") }, "\(gap)")
    #expect(gap.contains { $0.contains("<- ERROR #") && $0.contains("E_PROTOCOL") }, "\(gap)")
    #expect(finding.left == [])
  }

  @Test func `never replaces a file, and tells before anything is tried`() async throws {
    let place = try Scratch()
    try await place.shell("echo mine > t")
    let finding = try await check(place, ["--case", "core.info", "--trace", "t", Self.raw])
    #expect(finding.status == 73 && finding.output == "", "\(finding.output)")
    #expect(finding.errors.contains("cannot create t: already exists"), "\(finding.errors)")
    #expect(try await place.shell("cat t") == "mine\n")
  }

  @Test func `has what the plugin says about itself with --verbose`() async throws {
    let plugins = try await PluginFolder(["talks"])
    let place = try Scratch()
    let words = ["--case", "core.hello", "--case", "core.archive", "\(plugins.path)/talks.json"]
    let finding = try await check(place, words + ["--verbose"])
    let said = finding.errors.split(separator: "\n").filter { $0.hasPrefix("core.archive(") }
    #expect(said.contains { $0.contains("): debug: looks") }, "\(finding.errors)")
    #expect(said.contains { $0.contains("): warning: wavers") }, "\(finding.errors)")
    #expect(said.contains { $0.hasSuffix(") | on the second channel") }, "\(finding.errors)")
    #expect(!(try await check(place, words)).errors.contains("looks"))
    #expect(try await check(place, words + ["--verbose", "--quiet"]).status == 64)
  }
}
