import CommandLine
import Glibc
import JSON
import System
import Testing

/// What the command line promises beside the data.
@Suite(.inTurns) struct CommandTests {
  let place: Scratch

  init() throws {
    place = try Scratch()
    try place.makeSparse("d.raw", bytes: 4 << 20, data: [(0, 4 << 20)])
  }

  private func run(_ arguments: [String]) async throws -> Finding {
    try await sluice(arguments, in: place.directory)
  }

  private func backUp(_ more: [String]) async throws -> Finding {
    try await run(["backup", "--image", "d=d.raw"] + more)
  }

  /// Every line of standard output, each an object of the first schema.
  private func events(_ finding: Finding) throws -> [JSONValue] {
    let events = try finding.lines.map { try JSONValue(parsing: Array($0.utf8)) }
    for event in events { #expect(event["schema"] == 1) }
    return events
  }

  @Test func `events are objects of a known schema, in order`() async throws {
    let finding = try await backUp(["--to", "raw=archive", "--json"])
    #expect(finding.status == 0)
    let events = try events(finding)
    #expect(
      events.compactMap { $0["event"]?.string }.filter { $0 != "progress" }
        == ["planned", "started", "published", "finished"])
    let stream = try #require(events.last?["streams"]?.array?.first)
    #expect(stream["name"] == "d")
    #expect(stream["size"] == 4_194_304)
    #expect(stream["data"] == 4_194_304)
    #expect(stream["digest"]?["value"]?.string?.count == 64)
    #expect(finding.errors == "")
  }

  @Test(.enabled(if: Build.has("cc"), "needs cc"))
  func `no library is torn down behind the last word`() async throws {
    // Whatever a library does when the program ends comes too late to fail it.
    try await place.shell(
      """
      printf '%s' 'void abort(void); __attribute__((destructor)) static void e(void) { abort(); }' \
        > late.c && cc -shared -fPIC -o late.so late.c
      """)
    for (words, status) in [
      ("backup --quiet --image d=d.raw --to raw=archive", 0), ("plugin list", 0), ("--version", 0),
      ("backup --help", 0), ("no-such-verb", 64), ("verify nothing", 66),
    ] {
      let said = try await place.shell(
        "LD_PRELOAD=./late.so '\(Build.directory)/sluice' \(words) 2>&1; echo = $?")
      #expect(said.hasSuffix("= \(status)\n"), "\(words): \(said)")
      #expect(said.count > 5 || words.contains("--quiet"), "\(words) says something")
    }
  }

  @Test func `a failure is an event too`() async throws {
    let finding = try await run(
      ["backup", "--json", "--image", "d=none.raw", "--to", "raw=archive"])
    let event = try #require(try events(finding).last)
    #expect(event["event"] == "failed")
    #expect(event["status"] == 66)
    #expect(finding.status == 66)
    #expect(event["message"]?.string?.contains("none.raw") == true)
  }

  @Test func `list and verify speak JSON`() async throws {
    #expect(try await backUp(["--to", "raw=archive", "--vm-name", "web"]).status == 0)
    let listing = try #require(try events(try await run(["list", "archive", "--json"])).last)
    #expect(listing["event"] == "listing")
    #expect(listing["format"] == "raw")
    #expect(listing["receipt"]?["vm"]?["name"] == "web" && listing["machine"] == "web")
    #expect(listing["instant"] == listing["receipt"]?["instant"])
    #expect(listing["streams"]?.array?.first?["size"] == 4_194_304)
    let verified = try await run(["verify", "archive", "--json"])
    #expect(try events(verified).last?["event"] == "finished")
    #expect(verified.status == 0)
  }

  @Test func `quiet means silence, but not about failures`() async throws {
    let silent = try await backUp(["--to", "raw=archive", "--quiet"])
    #expect(silent.status == 0)
    #expect(silent.output == "" && silent.errors == "")
    #expect(try await run(["verify", "archive", "--quiet"]).output == "")
    // A warning is no error; tools have it as an event.
    try place.write("d.img", Array("QFI\u{FB}".unicodeScalars.map { UInt8($0.value) }))
    let odd = ["backup", "--image", "d=d.img", "--to"]
    #expect(try await run(odd + ["raw=b"]).errors.contains("sluice: warning: "))
    let warned = try await run(odd + ["raw=c", "--quiet"])
    #expect(warned.status == 0 && warned.errors == "", "\(warned.errors)")
    let failed = try await backUp(["--to", "raw=archive", "--quiet"])
    #expect(failed.status == 73)
    #expect(failed.errors.contains("archive: already exists"))
  }

  @Test(arguments: [
    ["--to", "raw=archive", "--option", "raw.color=red"],
    ["--to", "raw=archive", "--option", "raw.direct=sometimes"],
    ["--to", "raw=archive", "--option", "raw.sha256sums=maybe"],
    ["--to", "raw=archive", "--option", "tar.level=3"],
    ["--to", "raw=archive", "--option", "raw"],
    ["--to", "raw"], ["--to", "=archive"], ["--to", "raw="], ["--to", "raw:=archive"],
    ["--to", "raw=archive", "--rate-limit", "fast"],
    ["--to", "raw=archive", "--rate-limit", "0"],
    ["--to", "raw=archive", "--stall-limit", "-1"],
    ["--to", "raw=archive", "--transport", "pigeon"],
    ["--to", "raw=archive", "--shared-memory", "maybe"],
    ["--to", "raw=archive", "--sandbox", "off"],
    ["--to", "raw=a", "--to", "raw=b"],
    ["--to", "raw=archive", "--frobnicate"],
    [],
  ])
  func `a wrong command line is answered with 64 and does nothing`(
    arguments: [String]
  ) async throws {
    let finding = try await backUp(arguments)
    #expect(finding.status == 64, "\(finding.errors)")
    #expect(finding.errors != "")
    #expect(try place.names() == ["d.raw"])
  }

  @Test func `an unknown format names those there are`() async throws {
    let finding = try await backUp(["--to", "tape=archive"])
    #expect(finding.status == 69)
    #expect(finding.errors.contains("\"tape\"") && finding.errors.contains("raw"))
  }

  @Test func `a missing configuration is named`() async throws {
    let finding = try await backUp(["--to", "raw=archive", "--config", "none.conf"])
    #expect(finding.status == 66)
    #expect(finding.errors.contains("none.conf"))
    #expect(try place.names() == ["d.raw"])
  }

  @Test func `labels tell two archives of a format apart`() async throws {
    let finding = try await backUp(
      [
        "--to", "raw:near=a", "--to", "raw:far=b", "--option", "far.sha256sums=on",
        "--option", "near.direct=off",
      ])
    #expect(finding.status == 0, "\(finding.errors)")
    #expect(finding.output.contains("near: a is complete"))
    #expect(finding.output.contains("far: b is complete"))
    try await place.shell("cmp d.raw a/d.raw && cmp d.raw b/d.raw")
    try await place.shell("cd a && sha256sum -c --strict SHA256SUMS && ! grep d.raw SHA256SUMS")
    try await place.shell("cd b && sha256sum -c --strict SHA256SUMS && grep d.raw SHA256SUMS")
    try await place.shell("cd b && sha256sum d.raw | grep -F -f SHA256SUMS")
  }

  @Test func `a rate limit slows the reading down`() async throws {
    let finding = try await backUp(["--to", "raw=archive", "--rate-limit", "2M"])
    #expect(finding.status == 0)
    // 4 MiB at 2 MiB/s; a burst of one slot or so is free.
    #expect(finding.seconds >= 1)
    try await place.shell("cmp d.raw archive/d.raw")
  }

  @Test(arguments: ["off", "auto"])
  func `configurations alone make an archive`(memory: String) async throws {
    try place.write("vm.conf", noise(200_000, seed: 3))
    let finding = try await run(
      ["backup", "--config", "vm.conf", "--to", "raw=archive", "--shared-memory", memory])
    #expect(finding.status == 0, "\(finding.errors)")
    try await place.shell("cmp vm.conf archive/vm.conf")
  }

  @Test(.enabled(if: Build.isRoot, "as an ordinary user some layers may be missing"))
  func `a strict sandbox is enough for a whole round`() async throws {
    let finding = try await backUp(["--to", "raw=archive", "--sandbox", "strict"])
    if finding.status == 69 { return }  // this kernel lacks a layer, and was named
    #expect(finding.status == 0, "\(finding.errors)")
    let verified = try await run(["verify", "archive", "--sandbox", "strict"])
    #expect(verified.status == 0, "\(verified.errors)")
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
  func `a signal stops a job in order`(signal: Int32) async throws {
    let program = try startSluice(
      [
        "backup", "--json", "--image", "d=\(place.path("d.raw"))",
        "--to", "raw:a=\(place.path("a"))", "--to", "raw:b=\(place.path("b"))",
        "--rate-limit", "100K",
      ])
    #expect(try await program.says("\"started\""))
    try await Task.sleep(for: .milliseconds(300))
    program.send(signal)
    let sent = MonotonicTime.now
    let finding = try await program.finding()
    #expect(finding.status == 130)
    #expect(finding.errors.contains("interrupted; nothing was published"))
    #expect(finding.left == [])
    #expect(MonotonicTime.now.seconds(since: sent) < 8)
    #expect(try place.names() == ["d.raw"])
  }

  @Test func `two signals stop it at once`() async throws {
    let program = try startSluice(
      [
        "backup", "--json", "--image", "d=\(place.path("d.raw"))",
        "--to", "raw=\(place.path("a"))", "--rate-limit", "100K",
      ])
    #expect(try await program.says("\"started\""))
    program.send(SIGINT)
    program.send(SIGTERM)
    let finding = try await program.finding()
    #expect(finding.status == 130)
    #expect(finding.left == [])
    #expect(try place.names() == ["d.raw"])
  }

  @Test func `a reader that closes standard output does not stop a backup`() async throws {
    let command =
      "'\(Build.directory)/sluice' backup --image d=d.raw --to raw=archive --json | head -c 1"
    try await place.shell(command)
    try await place.shell("cmp d.raw archive/d.raw")
  }
}
