import CommandLine
import Testing

/// What plugins say reaches a terminal as one line of theirs, and never as a line of ours.
@Suite(.inTurns) struct PeerTextTests {
  @Test func `text of a LOG cannot forge a line`() async throws {
    let (place, plugins) = (try Scratch(), try await PluginFolder(["forges-a-line"]))
    try place.makeSparse("d.raw", bytes: 1 << 20, data: [(0, 1 << 20)])
    let finding = try await sluice(
      [
        "backup", "--plugin-path", plugins.path, "--image", "d=\(place.path("d.raw"))",
        "--to", "forges-a-line=\(place.path("out"))",
      ])
    #expect(finding.status == 0, "\(finding.errors)")
    #expect(finding.errors.contains("look raw: /backup/important is complete"))
    #expect(!finding.errors.contains("\nraw: /backup"))
  }

  @Test func `a manifest says nothing to the terminal`() async throws {
    let place = try Scratch()
    let evil = #"\u001b[2J\u0007one\nraw: forged\u202Etxt\u200B"#
    let manifest = """
      {"manifest": 1, "name": "evil", "version": "1", "executable": "x", "protocol": [1],
       "vendor": "\(evil)", "license": "\(evil)",
       "formats": [{"name": "evil", "help": "\(evil)", "modes": ["write"], "output": ["file"],
         "options": [{"name": "o", "type": "string", "help": "\(evil)", "default": "\(evil)"}]}]}
      """
    try place.write("evil.json", Array(manifest.utf8))
    try await place.shell("chmod 755 . && cp /bin/true x")
    for words in [["plugin", "list"], ["plugin", "info", "evil"], ["doctor"]] {
      let finding = try await sluice(words + ["--plugin-path", place.directory])
      let lines = finding.output.split(separator: "\n")
      #expect(!lines.contains { $0.hasPrefix("raw: forged") }, "\(words)")
      let unseen = (finding.output + finding.errors).unicodeScalars.filter { scalar in
        (scalar.value < 32 && scalar != "\n") || [0x202E, 0x200B, 0x9B].contains(scalar.value)
      }
      #expect(unseen.isEmpty, "\(words)")
    }
  }

  @Test func `what turns the direction of writing is escaped in JSON, and is no new name`()
    async throws
  {
    let place = try Scratch()
    try place.makeSparse("d.raw", bytes: 1 << 20, data: [(0, 1 << 20)])
    try place.write("a\u{200B}b.conf", Array("x\n".utf8))
    let names = ["a\u{202E}b", "a\u{2066}b", "a\u{200B}b", "a\u{2028}b", "a\u{85}b", "a\u{FEFF}b"]
    for name in names {
      let refused = try await sluice(
        ["backup", "--image", "\(name)=d.raw", "--to", "raw=out"], in: place.directory)
      #expect(refused.status == 64, "\(refused.errors)")
      #expect(refused.errors.contains("invalid disk name \"ab\""), "\(refused.errors)")
    }
    let config = try await sluice(
      [
        "backup", "--image", "d=d.raw", "--config", "a\u{200B}b.conf", "--to", "raw=out",
      ], in: place.directory)
    #expect(config.status == 64, "\(config.errors)")
    let made = try await sluice(
      ["backup", "--json", "--image", "d=d.raw", "--to", "raw:a\u{202E}\u{9B}2Jb=out"],
      in: place.directory)
    #expect(made.status == 0, "\(made.errors)")
    #expect(made.output.contains(#""output":"a\u202e\u009b2Jb""#), "\(made.output)")
    #expect(!made.output.unicodeScalars.contains("\u{202E}"))
  }

  @Test func `descriptors that are closed at the start are nobody else's`() async throws {
    let place = try Scratch()
    try place.makeSparse("d.raw", bytes: 1 << 20, data: [(0, 1 << 20)])
    let program = "'\(Build.directory)/sluice'"
    try await place.shell(
      "\(program) backup --image d=d.raw --to raw=out <&- >&- 2>&- && \(program) verify out")
    try await place.shell(
      "! \(program) backup --image d=d.raw --to vma=- <&- >&- 2>words && test -s words")
  }
}
