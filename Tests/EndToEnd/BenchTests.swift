import CommandLine
import Glibc
import JSON
import System
import Testing

/// `sluice plugin bench`: what it says, not how fast this machine is.
@Suite(.inTurns) struct `A bench of a plugin` {
  private static let raw = Build.directory + "/../../../Plugins/raw/raw.json"
  private let place: Scratch

  init() throws { place = try Scratch() }

  private func bench(_ words: [String]) async throws -> Finding {
    try await sluice(["plugin", "bench", "--scratch-dir", place.directory] + words, within: 100)
  }

  /// A folder with the null writer as a plugin of somebody: it takes any disk, and makes nothing.
  private func nullPlugin() async throws -> Scratch {
    let folder = try Scratch()
    try await folder.shell("chmod 755 . && cp '\(Build.directory)/sluice-null-writer' null")
    let manifest = """
      {"manifest": 1, "name": "null", "version": "0.1.0", "executable": "null", "protocol": [1],
       "formats": [{"name": "null", "modes": ["write"], "output": ["file"]}]}
      """
    try folder.write("null.json", Array(manifest.utf8))
    return folder
  }

  @Test func `has a row for each way, and leaves nothing`() async throws {
    let finding = try await bench(["--size", "6M", "--rounds", "1", Self.raw])
    #expect(finding.status == 0, "\(finding.errors)")
    #expect(finding.lines.count == 5, "\(finding.output)")
    #expect(finding.lines.first == "raw (directory), 6.0 MiB, median of 1")
    let row = #/ +[0-9]+\.[0-9]{2} +[0-9]+\.[0-9]{4} +[0-9]+\.[0-9]{2} +[0-9]+\.[0-9]{4}  the .+/#
    for (line, way) in zip(finding.lines.dropFirst(2), ["64 KiB slots", "1 MiB slots", "inline"]) {
      #expect(line.hasPrefix(way))
      #expect(line.dropFirst(way.count).wholeMatch(of: row) != nil, "\(line)")
    }
    #expect(finding.left == [])
    #expect(try place.names() == [])
  }

  @Test(arguments: [[], ["--sandbox", "off"]])
  func `tells the same as events`(_ options: [String]) async throws {
    let finding = try await bench(
      options + ["--json", "--size", "2M", "--rounds", "2", Self.raw])
    #expect(finding.status == 0, "\(finding.errors)")
    let events = try finding.lines.map { try JSONValue(parsing: Array($0.utf8)) }
      .filter { $0["event"]?.string == "speed" }
    #expect(events.compactMap { $0["way"]?.string } == ["slots-64k", "slots-1m", "inline"])
    for event in events {
      #expect(event["format"]?.string == "raw" && event["output"]?.string == "directory")
      #expect(event["bytes"]?.integer == 2 << 20 && event["rounds"]?.integer == 2)
      for side in ["plugin", "null"] {
        #expect(event[side]?["bytes_per_second"]?.integer ?? 0 > 0)
        guard case .real(let seconds)? = event[side]?["cpu_seconds_per_gib"], seconds > 0 else {
          Issue.record("no processor time in \(event)")
          continue
        }
      }
      #expect(["plugin", "disk", "host"].contains(event["limit"]?.string))
    }
    #expect(try place.names() == [] && finding.left == [])
  }

  @Test(arguments: ["qcow2", "vma", "ova"])
  func `measures every format that a plugin writes, or one of them`(
    _ plugin: String
  ) async throws {
    let manifest = Build.directory + "/../../../Plugins/\(plugin)/\(plugin).json"
    let all = try await bench(["--size", "1M", "--rounds", "1", manifest])
    #expect(all.status == 0, "\(all.errors)")
    let heads = all.lines.filter { $0.contains("1.0 MiB, median of 1") }
    #expect(heads.count == (plugin == "ova" ? 2 : 1), "\(all.output)")
    #expect(!all.output.contains("not measured"))
    let one = try await bench([
      "--size", "1M", "--rounds", "1", "--only", plugin, manifest,
    ])
    #expect(one.lines.count == 5, "\(one.output)")
    let way = try await bench([
      "--size", "1M", "--rounds", "1", "--only", plugin, "--way", "inline", manifest,
    ])
    #expect(way.lines.count == 3 && way.lines.last?.hasPrefix("inline") == true, "\(way.output)")
  }

  @Test(.enabled(if: ScriptFolder.canRun, "needs python3 and perl"))
  func `says which way a plugin does not take`() async throws {
    let script = try await ScriptFolder(.minimal)
    let finding = try await bench(["--size", "1M", "--rounds", "1", script.path])
    #expect(finding.status == 0, "\(finding.errors)")
    let skipped = finding.lines.filter {
      $0.hasSuffix("not measured: the plugin declines the pool")
    }
    #expect(skipped.count == 2, "\(finding.output)")
    #expect(finding.lines.last?.hasPrefix("inline ") == true)
  }

  @Test func `says what is wrong with what was asked`() async throws {
    let cases: [([String], Int32, String)] = [
      ([], 64, "missing expected argument '<path>'"),
      (["--rounds", "0", Self.raw], 64, "--rounds must be 1 to 99"),
      (["--rounds", "100", Self.raw], 64, "--rounds must be 1 to 99"),
      (["--size", "1048575", Self.raw], 64, "--size must be 1M to 16T"),
      (["--size", "17T", Self.raw], 64, "--size must be 1M to 16T"),
      (["--size", "much", Self.raw], 64, "'much'"),
      (["--way", "pigeon", Self.raw], 64, "'pigeon'"),
      (["--only", "vma", Self.raw], 64, "plugin \"raw\" writes no format \"vma\""),
      (["/nonexistent"], 66, "cannot open /nonexistent"),
      (["--scratch-dir", "/nonexistent", Self.raw], 66, "/nonexistent"),
    ]
    for (words, status, text) in cases {
      let finding = try await bench(words)
      #expect(finding.status == status, "\(words): \(finding.errors)")
      #expect(finding.errors.lowercased().contains(text.lowercased()), "\(finding.errors)")
      #expect(finding.output == "", "\(words)")
    }
  }

  @Test(arguments: [
    ("crashes-at-once", 76), ("floods-the-log", 76), ("litters-at-once", 76),
    ("writes-for-ever", 76),
  ])
  func `of a plugin that does not play ends with what it did`(
    _ trick: String, status: Int32
  ) async throws {
    let plugins = try await PluginFolder([trick])
    let finding = try await bench(["--size", "1M", "\(plugins.path)/\(trick).json"])
    #expect(finding.status == status, "\(finding.errors)")
    #expect(finding.errors.hasPrefix("sluice: plugin \"\(trick)\" "), "\(finding.errors)")
    #expect(finding.left == [])
    #expect(try place.names() == [])
  }

  @Test(arguments: [SIGINT, SIGTERM], [[], ["--json"]])
  func `that is interrupted ends, and leaves nothing`(
    _ signal: Int32, _ options: [String]
  ) async throws {
    let null = try await nullPlugin()
    let program = try startSluice(
      ["plugin", "bench", "--scratch-dir", place.directory, "--size", "16T", "--rounds", "99"]
        + options + [null.directory])
    if options.isEmpty { #expect(try await program.says("median of 99")) }
    // Whatever its room is for.
    while try place.names().isEmpty { try await Task.sleep(for: .milliseconds(10)) }
    program.send(signal)
    let finding = try await program.finding(within: 60)
    #expect(finding.status == 130, "\(finding.errors)")
    #expect(finding.errors.contains("interrupted"), "\(finding.errors)")
    #expect(finding.left == [])
    #expect(try place.names() == [])
  }
}
