import CommandLine
import System
import Testing

/// A recording is played to a plugin, which says the same or not.
@Suite(.inTurns) struct `A recording that is played` {
  private let place: Scratch

  init() throws {
    place = try Scratch()
    try place.makeSparse("d.raw", bytes: (3 << 20) + 512, data: [(0, 4096), (1 << 20, 700_000)])
  }

  private func run(_ words: [String]) async throws -> Finding {
    try await sluice(words, in: place.directory)
  }

  /// Manifest of a plugin of this build.
  private func manifest(_ plugin: String) -> String {
    Build.directory + "/../../../Plugins/\(plugin)/\(plugin).json"
  }

  private func record(_ options: [String], _ format: String) async throws {
    let backup = ["backup", "--image", "d=d.raw", "--to", "\(format)=a", "--quiet"]
    let finding = try await run(["plugin", "record"] + options + ["w"] + backup)
    #expect(finding.status == 0, "\(finding.errors)")
  }

  @Test(arguments: ["raw", "vma", "qcow2"], [[], ["--contents"]])
  func `is as it was with the same plugin`(_ format: String, _ options: [String]) async throws {
    try await record(options, format)
    let written = try await run(["plugin", "replay", "w", manifest(format)])
    #expect(written.status == 0, "\(written.errors)")
    #expect(written.output.contains("from it, as recorded"), "\(written.output)")
    #expect(written.output.contains("made up") == options.isEmpty)
    let verified = try await run(["plugin", "record"] + options + ["v", "verify", "a"])
    #expect(verified.status == 0, "\(verified.errors)")
    let read = try await run(["plugin", "replay", "v", manifest(format), "--archive", "a"])
    #expect(read.status == 0, "\(read.errors)")
    #expect(written.left.isEmpty && read.left.isEmpty)
  }

  @Test func `through pipes is as it was, too`() async throws {
    let finding = try await run([
      "plugin", "record", "w", "backup", "--image", "d=d.raw", "--to", "vma=a",
      "--shared-memory", "off",
    ])
    #expect(finding.status == 0, "\(finding.errors)")
    let played = try await run(["plugin", "replay", "w", manifest("vma"), "--json"])
    #expect(played.status == 0, "\(played.errors)")
    #expect(played.output.contains("\"event\":\"replayed\""), "\(played.output)")
  }

  @Test func `shows the first thing that is not as it was`() async throws {
    try await record([], "raw")
    #expect(try await run(["plugin", "record", "v", "verify", "a"]).status == 0)
    try place.flip("a/d.raw", at: (1 << 20) + 5)
    let damaged = try await run(["plugin", "replay", "v", manifest("raw"), "--archive", "a"])
    #expect(damaged.status == 76, "\(damaged.errors)")
    #expect(damaged.errors.contains("v, line "), "\(damaged.errors)")
    // Another plugin of the same format: a script that takes no data.
    try await place.shell("mkdir p; chmod 755 p .")
    try place.create("p/bad.py", Array(Self.badPlugin.utf8))
    try place.create("p/bad.json", Array(Self.badManifest.utf8))
    try await place.shell("chmod 755 p/bad.py; chmod 644 p/bad.json")
    let other = try await run(["plugin", "replay", "w", "p"])
    #expect(other.status == 76, "\(other.errors)")
    #expect(other.errors.contains("recorded HELLO_ACK"), "\(other.errors)")
  }

  @Test func `that cannot be played says why`() async throws {
    try await record([], "raw")
    #expect(try await run(["plugin", "record", "v", "verify", "a"]).status == 0)
    try await place.shell("sed 's/7b2276657273/7b2376657273/' w > changed; head -c 900 w > cut")
    let faults: [([String], Int32, String)] = [
      (["v", manifest("raw")], 64, "name it with --archive"),
      (["w", manifest("vma")], 69, "the plugin has no format \"raw\""),
      (["w", manifest("raw"), "--session", "2"], 66, "w has no session 2"),
      (["w", manifest("raw"), "--session", "0"], 64, "--session must be at least 1"),
      (["changed", manifest("raw")], 65, "does not have its checksum"),
      (["cut", manifest("raw")], 65, "ends in the middle of line"),
      (["d.raw", manifest("raw")], 65, "d.raw is no recording"),
      (["none", manifest("raw")], 66, "cannot read none"),
      (["w", "none.json"], 66, "none.json"),
      (["v", manifest("raw"), "--archive", "none"], 69, "none"),
    ]
    for (words, status, text) in faults {
      let finding = try await run(["plugin", "replay"] + words)
      #expect(finding.status == status, "\(words): \(finding.errors)")
      #expect(finding.errors.contains(text), "\(words): \(finding.errors)")
      #expect(finding.left.isEmpty)
    }
  }

  /// Reads what it is told, and says nothing.
  private static let badPlugin = """
    import os
    while os.read(3, 65536):
        pass
    os._exit(3)
    """

  private static let badManifest = """
    {"manifest": 1, "name": "bad", "version": "1", "executable": "bad.py", "protocol": [1],
     "profile": "python", "interpreter": "/usr/bin/python3",
     "formats": [{"name": "raw", "help": "none", "extensions": [], "modes": ["write"],
                  "output": ["directory"]}]}
    """
}
