import CommandLine
import Glibc
import JSON
import System
import Testing

/// Archives that become archives of another format.
@Suite(.inTurns) struct ConvertTests {
  private let place: Scratch
  private let plugins: StackFolder

  init() async throws {
    place = try Scratch()
    plugins = try await StackFolder()
    try place.makeSparse(
      "d.raw", bytes: (24 << 20) + 77,
      data: [(0, 3 << 20), (5 << 20 | 4096, 70_000), (24 << 20, 9)])
    try place.makeSparse("e.raw", bytes: 1 << 20, data: [(4096, 4096)])
    try place.makeSparse("zero.raw", bytes: 9 << 20)
    try place.makeSparse("empty.raw", bytes: 0)
    try place.write("vm.conf", noise(200_000, seed: 9))
  }

  private var images: [String] {
    ["d", "e", "zero", "empty"].flatMap { ["--image", "\($0)=\($0).raw"] }
  }

  /// An archive `m` of that format.
  private func backUp(to format: String) async throws {
    let made = try await run(
      ["backup"] + images
        + ["--config", "vm.conf", "--vm-name", "web", "--vm-id", "101", "--to", "\(format)=m"])
    #expect(made.status == 0, "\(made.errors)")
  }

  private func run(_ arguments: [String], _ folder: StackFolder? = nil) async throws -> Finding {
    let verb = arguments[0]
    let path = (folder ?? plugins).path
    return try await sluice(
      [verb, "--plugin-path", path] + arguments.dropFirst(), in: place.directory)
  }

  private func convert(_ arguments: [String], _ folder: StackFolder? = nil) async throws -> Finding
  {
    let finding = try await run(["convert"] + arguments, folder)
    #expect(finding.left == [])
    return finding
  }

  /// What a receipt says, without what belongs to the file it is of.
  private func receipt(_ name: String) throws -> [String: JSONValue] {
    let value = try JSONValue(parsing: try place.bytes(name))
    var facts: [String: JSONValue] = [:]
    for key in ["instant", "vm"] { facts[key] = value[key] }
    for stream in value["streams"]?.array ?? [] {
      for key in ["kind", "role", "size", "digest"] {
        facts["\(stream["name"]?.string ?? "") \(key)"] = stream[key]
      }
    }
    return facts
  }

  private func expectWhole(_ directory: String) async throws {
    for name in ["d.raw", "e.raw", "zero.raw", "empty.raw", "vm.conf"] {
      try await place.shell("cmp \(name) \(directory)/\(name)")
    }
    let verified = try await run(["verify", directory])
    #expect(verified.status == 0, "\(verified.errors)")
  }

  @Test(arguments: ["auto", "off"])
  func `an archive goes to another format and back`(memory: String) async throws {
    try await backUp(to: "raw")
    // Two backups of one second would have one instant by chance.
    try await Task.sleep(for: .milliseconds(1100))
    let there = try await convert(["m", "--to", "stack=s", "--shared-memory", memory])
    #expect(there.status == 0 && there.errors == "", "\(there.errors)")
    let back = try await convert(["s", "--to", "raw=n", "--shared-memory", memory])
    #expect(back.status == 0 && back.errors == "", "\(back.errors)")
    try await expectWhole("n")
    let facts = try receipt("m/manifest.json")
    #expect(facts["vm"]?["id"] == "101" && facts["vm"]?["name"] == "web")
    #expect(facts.count == 2 + 5 * 4)
    #expect(try receipt("s.sluice.json") == facts)
    #expect(try receipt("n/manifest.json") == facts)
    #expect(try place.dataBytes("n/zero.raw") == 0, "zeros stay holes")
    #expect(try place.dataBytes("n/d.raw") == place.dataBytes("d.raw"))
  }

  @Test func `an archive from a pipe goes to a pipe`() async throws {
    try await backUp(to: "stack")
    try await place.shell(
      """
      sleep 1.1; cat m | '\(Build.directory)/sluice' convert --plugin-path '\(plugins.path)' - \
      --vm-name x --to stack:a=- --to 'stack:b=|cat > b' --to raw=n 2> words > a
      cmp a b && ! grep -v 'is not verified' words | grep warning
      """)
    try await expectWhole("n")
    let facts = try receipt("n/manifest.json")
    #expect(facts["vm"]?["name"] == "x" && facts["vm"]?["id"] == "101")
    #expect(try facts["instant"] == receipt("m.sluice.json")["instant"], "the plugin tells it")
    let again = try await convert(["a", "--to", "raw=o"])
    #expect(again.status == 0, "\(again.errors)")
    try await expectWhole("o")
  }

  @Test func `an instant that nobody tells is that of the conversion`() async throws {
    try await place.shell("tar -cf m.tar d.raw")
    let finding = try await convert(["m.tar", "--to", "stack=s"])
    #expect(finding.status == 0, "\(finding.errors)")
    #expect(finding.errors.contains("has no timestamp"))
    #expect(try receipt("s.sluice.json")["instant"]?.string?.hasPrefix("20") == true)
  }

  @Test func `a format that needs an allocation map gets it from a file, not from a pipe`()
    async throws
  {
    try await backUp(to: "raw")
    let needy = try await StackFolder(needs: "map")
    let finding = try await convert(["m", "--to", "stack=s"], needy)
    #expect(finding.status == 0, "\(finding.errors)")
    // The same data, in other pieces: what is known to be zeros is no piece.
    let back = try await convert(["s", "--to", "raw=n"], needy)
    #expect(back.status == 0, "\(back.errors)")
    try await expectWhole("n")
    let refused = try await place.shell(
      """
      cat s | '\(Build.directory)/sluice' convert --plugin-path '\(needy.path)' - --to stack=t; \
      echo "= $?"
      """)
    #expect(refused.contains("needs an allocation map") && refused.contains("= 69"))
    #expect(!place.exists("t"))
  }

  // Failures

  @Test(arguments: ["d.raw", "e.raw", "vm.conf"])
  func `of an archive that is damaged nothing is published`(file: String) async throws {
    try await backUp(to: "raw")
    try place.flip("m/\(file)", at: 4096)
    let finding = try await convert(
      ["m", "--to", "stack:a=a", "--to", "raw=n", "--to", "stack:b=|cat > part && mv part whole"])
    #expect(finding.status == 65)
    #expect(finding.errors.contains("digest differs from the receipt"))
    for name in ["a", "a.sluice.json", "n", "whole"] { #expect(!place.exists(name)) }
    #expect(try place.names().contains { $0.hasPrefix(".") } == false)
  }

  @Test func `half an archive is not converted`() async throws {
    try await backUp(to: "stack")
    try await place.shell("head -c 2000000 m > half")
    let finding = try await convert(["half", "--to", "raw=n"])
    #expect(finding.status == 65)
    #expect(finding.errors.contains("the stack ends too early"), "\(finding.errors)")
    #expect(!place.exists("n"))
  }

  @Test func `an output that fails does not touch the others`() async throws {
    try await backUp(to: "raw")
    let finding = try await convert(["m", "--to", "stack:a=|exit 3", "--to", "stack:b=s"])
    #expect(finding.status == 75)
    #expect(finding.errors.contains("it exited with status 3"))
    #expect(try receipt("s.sluice.json") == receipt("m/manifest.json"))
    let alone = try await convert(["m", "--to", "stack=|head -c 9 > /dev/null"])
    #expect(alone.status == 74, "\(alone.errors)")
    #expect(alone.errors.contains("before the end of the archive"))
  }

  @Test(arguments: [
    (["none", "--to", "stack=s"], 66), (["m", "--to", "tape=s"], 69), (["m", "--to", "raw=m"], 73),
    (["m"], 64), (["m", "--to", "stack=s", "--option", "raw.x=y"], 64),
    (["m", "--to", "raw=none/x"], 73), (["m", "--to", "raw=-"], 69),
  ])
  func `a conversion that cannot be is refused`(arguments: [String], status: Int) async throws {
    try await backUp(to: "raw")
    let names = try place.names()
    let finding = try await convert(arguments)
    #expect(finding.status == Int32(status), "\(finding.errors)")
    #expect(try place.names() == names)
  }

  @Test(arguments: [SIGINT, SIGKILL])
  func `whoever stops a conversion finds nothing of it`(signal: Int32) async throws {
    try await backUp(to: "raw")
    let seed = UInt64.random(in: 1...1_000_000)
    var moments = Moments(seed: seed)
    var stopped = 0
    for round in 0..<6 {
      let program = try startSluice(
        [
          "convert", "--plugin-path", plugins.path, place.path("m"), "--to",
          "stack=\(place.path("s"))", "--to", "raw=\(place.path("n"))", "--rate-limit", "8M",
        ])
      try await Task.sleep(for: .seconds(moments.next(below: 1.5)))
      program.send(signal)
      let finding = try await program.finding()
      let told: Comment = "seed \(seed), round \(round)"
      #expect(finding.left == [], told)
      if finding.status != 0 { stopped += 1 }
      for name in ["s", "n"] where place.exists(name) {
        let verified = try await run(["verify", place.path(name)])
        #expect(verified.status == 0, told)
      }
      try await place.shell("rm -rf s s.sluice.json n")
    }
    #expect(stopped > 0, "no signal came in time; seed \(seed)")
    #expect(try await convert(["m", "--to", "raw=n"]).status == 0)
    #expect(try place.names().contains { $0.hasPrefix(".n") } == false)
  }

  @Test func `a reader that dies ends the conversion`() async throws {
    try await backUp(to: "stack")
    let program = try startSluice(
      [
        "convert", "--plugin-path", plugins.path, place.path("m"), "--json",
        "--to", "raw=\(place.path("n"))", "--rate-limit", "1M",
      ])
    #expect(try await program.says("\"started\""))
    try await Task.sleep(for: .milliseconds(300))
    try await place.shell(
      """
      below() { for child in $(pgrep -P $1); do echo $child; below $child; done; }
      for one in $(below \(program.process)); do
        case $(cat /proc/$one/comm) in stack-writer) kill -9 $one ;; esac
      done
      """)
    let finding = try await program.finding()
    #expect(finding.status == 70, "\(finding.errors)")
    #expect(finding.errors.contains("plugin \"stack\" was killed by signal 9"), "\(finding.errors)")
    #expect(finding.left == [])
    #expect(!place.exists("n"))
  }
}
