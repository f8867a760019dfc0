import CommandLine
import JSON
import Testing

/// Standard output: what it cannot take is an error, and what tools read there.
@Suite(.inTurns) struct OutputTests {
  let place: Scratch

  init() async throws {
    place = try Scratch()
    try place.makeSparse("d.raw", bytes: 4 << 20, data: [(0, 4 << 20)])
    let made = try await sluice(
      ["backup", "--image", "d=d.raw", "--to", "raw=a"], in: place.directory)
    #expect(made.status == 0, "\(made.errors)")
  }

  private func events(_ words: String, status: Int32 = 0) async throws -> [JSONValue] {
    let finding = try await sluice(
      words.split(separator: " ").map(String.init), in: place.directory)
    #expect(finding.status == status, "\(finding.errors)")
    return try finding.lines.map { try JSONValue(parsing: Array($0.utf8)) }
  }

  @Test(arguments: [
    "list a", "list a --json", "verify a", "verify a --json", "plugin list", "plugin info raw",
    "doctor", "backup --image d=d.raw --to raw=b --json", "backup --image d=d.raw --to raw=b",
    "--help", "--version", "version --json",
  ])
  func `a full standard output is an error`(words: String) async throws {
    let said = try await place.shell("'\(Build.directory)/sluice' \(words) > /dev/full; echo = $?")
    #expect(said.contains("sluice: cannot write to standard output: No space left"), "\(said)")
    #expect(said.hasSuffix("= 74\n"), "\(said)")
  }

  @Test func `a failure keeps its status though standard output is full`() async throws {
    let said = try await place.shell(
      "'\(Build.directory)/sluice' list nothing --json > /dev/full; echo = $?")
    #expect(said.hasSuffix("= 66\n"), "\(said)")
  }

  @Test func `a reader that is gone is no error`() async throws {
    let said = try await place.shell(
      """
      { '\(Build.directory)/sluice' backup --image d=d.raw --to raw=b; echo = $? >&2; } | true
      """)
    #expect(said.hasSuffix("= 0\n"), "\(said)")
  }

  @Test(arguments: [
    "backup --json", "backup --json --to raw=x --imge d=d", "restore x --json", "bakcup --json",
    "plugin lst --json", "clean . --foreign --json", "backup --json --to raw=x --rate-limit 3Q",
    "backup --json --image d=d.raw --to raw=x --option raw.color=red",
  ])
  func `a usage error is an event too`(words: String) async throws {
    let events = try await events(words, status: 64)
    #expect(events.count == 1)
    let failed = try #require(events.last)
    #expect(failed["event"] == "failed" && failed["status"] == 64 && failed["schema"] == 1)
    let message = try #require(failed["message"]?.string)
    #expect(!message.isEmpty && !message.hasPrefix("sluice:") && !message.contains("\n"))
  }

  @Test func `an archive on standard output has no event beside it`() async throws {
    let finding = try await sluice(
      ["backup", "--json", "--image", "d=d.raw", "--to", "vma=-"], in: place.directory)
    #expect(finding.status == 64 && finding.output == "")
  }

  @Test func `events have the time, the job and absolute paths`() async throws {
    let events = try await events("backup --json --image d=d.raw --to raw=./b")
    for event in events {
      let time = try #require(event["time"]?.string)
      #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil, "\(time)")
    }
    let receipt = try JSONValue(parsing: try place.bytes("b/manifest.json"))
    let job = try #require(receipt["job"]?.string)
    #expect(events.allSatisfy { $0["job"]?.string == job })
    let path = JSONValue.string(place.path("b"))
    let published = try #require(events.first { $0["event"] == "published" })
    #expect(published["path"] == path)
    #expect(events.last?["outputs"]?.array?.first?["path"] == path)
    #expect(published["stored"]?.integer ?? 0 > 4 << 20)
    let restored = try await self.events("restore a --to r --json")
    #expect(restored.last?["outputs"]?.array?.first?["path"] == .string(place.path("r")))
    #expect(restored.allSatisfy { $0["job"] == restored.last?["job"] && $0["time"] != nil })
    let listing = try #require(try await self.events("list a --json").last)
    #expect(listing["archive"] == .string(place.path("a")))
  }

  @Test func `every event says when, where and of what it is`() async throws {
    let host = try await place.shell("uname -n").split(separator: "\n").joined()
    let made = try await events(
      "backup --json --image d=d.raw --vm-name web --to vma=w.vma")
    let read = try await events("verify w.vma --json")
    let restored = try await events("restore w.vma --to r2 --json")
    let converted = try await events("convert w.vma --to raw=c2 --json")
    for events in [made, read, restored, converted] {
      #expect(events.allSatisfy { $0["time"] != nil && $0["host"] == .string(host) })
      #expect(events.allSatisfy { $0["job"] != nil && $0["machine"] == "web" }, "\(events)")
    }
    for events in [read, restored, converted] {
      #expect(events.last?["archive"] == .string(place.path("w.vma")))
    }
    #expect(made.last?["archive"] == nil)
  }

  @Test func `the version is a verb`() async throws {
    let plain = try await sluice(["version"])
    #expect(plain.status == 0)
    #expect(plain.output == (try await sluice(["--version"])).output)
    let event = try #require(try await events("version --json").last)
    #expect(event["event"] == "version")
    #expect(plain.output == "sluice \(event["version"]?.string ?? "")\n")
  }

  @Test func `the size of an archive is told`() async throws {
    let finding = try await sluice(
      ["backup", "--image", "d=d.raw", "--to", "vma=x.vma"], in: place.directory)
    #expect(finding.output.contains("vma: x.vma is complete, 4.0 MiB\n"), "\(finding.output)")
  }
}
