import CommandLine
import JSON
import System
import Testing

/// The state of a running machine in archives: a stream of bytes beside the disks.
@Suite(.inTurns, .enabled(if: MachineStateScene.hasTools, "needs python3"))
struct MachineStateTests {
  private let scene: MachineStateScene
  private var place: Scratch { scene.place }

  init() throws { scene = try MachineStateScene() }

  private static let formats = ["raw", "qcow2", "vma", "tar", "ova"]

  /// What the receipt of an archive says of its streams.
  private func facts(_ archive: String) throws -> [String: JSONValue] {
    let isDirectory = try place.status(archive).kind == .directory
    let receipt = try JSONValue(
      parsing: place.bytes(isDirectory ? "\(archive)/manifest.json" : "\(archive).sluice.json"))
    var facts: [String: JSONValue] = [:]
    for stream in receipt["streams"]?.array ?? [] {
      for key in ["kind", "role", "size", "digest"] {
        facts["\(stream["name"]?.string ?? "") \(key)"] = stream[key]
      }
    }
    return facts
  }

  @Test(arguments: formats)
  func `it goes from a directory into every format and from there into every other`(
    format: String
  ) async throws {
    try await scene.makeArchive()
    let original = try facts("m")
    #expect(original.count == 3 * 4 && original["vmstate kind"] == "vmstate")
    #expect(original["vmstate size"]?.integer == Int64(MachineStateScene.stateBytes))
    let archive = "x.\(format)"
    try await scene.expectShell("sluice convert m --to \(format)=\(archive)")
    #expect(try facts(archive) == original)
    try await scene.expectShell("sluice list \(archive)", says: "vmstate  vmstate  3.0 MiB")
    try await scene.expectShell(
      "sluice verify \(archive)", says: "every byte verified against the receipt")
    try await scene.expectShell(
      "sluice restore \(archive) --to r && \(MachineStateScene.comparison("r"))")
    #expect(try place.names("r") == ["c.conf", "d.raw", "vmstate.bin"])
    for other in Self.formats {
      try await scene.expectShell("sluice convert \(archive) --to \(other)=y.\(other)")
      #expect(try facts("y.\(other)") == original, "\(format) to \(other)")
    }
  }

  @Test(arguments: ["vma.zst", "tar.gz", "ova"])
  func `it comes through a pipe`(name: String) async throws {
    try await scene.makeArchive()
    let format = name.prefix(3)
    try await scene.expectShell(
      """
      sluice convert m --to \(format)=x.\(name) &&
      sluice restore - --format \(format) --to r < x.\(name) && \(MachineStateScene.comparison("r"))
      """)
  }

  @Test(arguments: ["raw", "tar", "vma", "ova"])
  func `all of it or a part is read like a disk`(format: String) async throws {
    try await scene.makeArchive()
    try await scene.expectShell(
      """
      sluice convert m --to \(format)=x.\(format) &&
      sluice read x.\(format) --disk vmstate | cmp - vmstate.bin &&
      sluice read x.\(format) --disk vmstate --offset 1M --length 100000 2> words > part &&
      tail -c +1048577 vmstate.bin | head -c 100000 | cmp - part
      """)
    try await scene.expectShell(
      "sluice read x.\(format) --disk c.conf", status: 64, says: "it contains: d, vmstate")
  }

  @Test func `it goes to a place of its own, which is a plain file`() async throws {
    try await scene.makeArchive()
    try await scene.expectShell(
      "sluice restore m --disk vmstate=state --skip d && cmp state vmstate.bin",
      says: "skipped (no --to DIR): c.conf")
    try await scene.expectShell(
      "sluice restore m --disk vmstate=s.qcow2 --to r", status: 64, says: "to a plain file")
    try await scene.expectShell(
      "sluice restore m --disk c.conf=c --to r", status: 64, says: "is not a disk")
    #expect(!place.exists("r") && !place.exists("s.qcow2"))
    try await scene.expectShell(
      """
      sluice restore m --disk vmstate=other,format=raw --to r && cmp other vmstate.bin &&
      test "$(ls r)" = "$(printf 'c.conf\\nd.raw')"
      """)
  }

  @Test func `whoever does not want it has everything else`() async throws {
    try await scene.makeArchive()
    try await scene.expectShell("sluice restore m --to r --skip vmstate && cmp d.raw r/d.raw")
    #expect(try place.names("r") == ["c.conf", "d.raw"])
    try await scene.expectShell(
      "sluice restore m --disk d=disk.raw && cmp d.raw disk.raw",
      says: "skipped (no --to DIR): c.conf, vmstate")
  }

  @Test func `an output that cannot hold it is named, and gets everything else`() async throws {
    try await scene.makeArchive()
    let plugins = try await StackFolder()
    let words = "convert --plugin-path '\(plugins.path)' m"
    try await scene.expectShell(
      "sluice \(words) --to stack=s --to raw=n", says: "format \"stack\" cannot hold it")
    for archive in ["s", "n"] {
      #expect(try facts(archive)["vmstate kind"] == nil)
      #expect(try facts(archive)["d digest"] == facts("m")["d digest"])
    }
    try await place.shell(
      "sed -i 's/\"output\"/\"streams\": [\"disk\"], \"output\"/' '\(plugins.path)/stack.json'")
    try await scene.expectShell(
      "sluice \(words) --to stack=t", status: 69,
      says: "cannot hold configurations\nsluice: hint: formats that can: ova, qcow2, raw, tar, vma")
    #expect(!place.exists("t"))
  }

  @Test func `of a chain it is that of the archive that is wanted`() async throws {
    try await scene.expectShell(
      """
      mkdir b && sluice backup --image d=d.raw --to qcow2=b/full --level full >&2 &&
      head -c 5000 vmstate.bin > old && python3 add-state.py b/full old &&
      dd if=/dev/urandom of=d.raw bs=64k seek=9 count=2 conv=notrunc status=none &&
      sluice backup --image d=d.raw --to qcow2=b/child --level incremental --parent b >&2 &&
      python3 add-state.py b/child vmstate.bin && sluice list b/child
      """, says: "incremental")
    for verb in ["restore b/child --to r", "convert b/child --to raw=r"] {
      try await scene.expectShell(
        "sluice \(verb) && cmp d.raw r/d.raw && cmp vmstate.bin r/vmstate.bin && rm -r r")
    }
    try await scene.expectShell("sluice restore b/full --to r && cmp old r/vmstate.bin")
  }
}
