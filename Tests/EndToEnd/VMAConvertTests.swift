import CommandLine
import JSON
import System
import Testing

/// Archives of Proxmox VE that become others, and others that become them.
@Suite(.inTurns, .enabled(if: VMAScene.hasTools, "needs python3 and zstd"))
struct VMAConvertTests {
  private let scene: VMAScene
  private var place: Scratch { scene.place }

  init() throws { scene = try VMAScene() }

  /// What a receipt says of the backup, not of the file.
  private func facts(_ receipt: String) throws -> [String: JSONValue] {
    let value = try JSONValue(parsing: try place.bytes(receipt))
    var facts: [String: JSONValue] = [:]
    for key in ["instant", "vm"] { facts[key] = value[key] }
    for stream in value["streams"]?.array ?? [] {
      for key in ["kind", "role", "size", "digest"] {
        facts["\(stream["name"]?.string ?? "") \(key)"] = stream[key]
      }
    }
    return facts
  }

  /// The instant of a backup is of seconds: another one is told by its time.
  private func waitForAnotherSecond() async throws {
    try await Task.sleep(for: .milliseconds(1100))
  }

  @Test(arguments: ["none", "zstd:1"], ["auto", "off"])
  func `an archive of Proxmox goes to a directory and back`(
    compression: String, memory: String
  ) async throws {
    try await scene.makeArchive()
    try await waitForAnotherSecond()
    let words = "--shared-memory \(memory)"
    try await scene.expectShell(
      """
      sluice convert x.vma --to raw=directory \(words) &&
      sluice convert directory --to vma=y.vma --option vma.compress=\(compression) \
        --option vma.proxmox=off \(words)
      """)
    let original = try facts("x.vma.sluice.json")
    #expect(original.count == 2 + 3 * 4 && original["vm"]?["id"] == "101")
    #expect(try facts("directory/manifest.json") == original)
    #expect(try facts("y.vma.sluice.json") == original)
    try await scene.expectSources("directory")
    try await place.shell("mv y.vma y; mv y.vma.sluice.json y.sluice.json")
    let program = compression == "none" ? "cat" : "zstd -dc"
    try await place.shell(
      """
      \(program) < y > plain && python3 '\(VMAScene.support)/vma-check' --written plain > new
      python3 '\(VMAScene.support)/vma-check' x.vma > old && cmp old new
      """)
  }

  @Test func `an archive without a receipt keeps the instant of its header`() async throws {
    try await scene.makeArchive()
    let instant = try facts("x.vma.sluice.json")["instant"]
    try await waitForAnotherSecond()
    try await place.shell("mv x.vma.sluice.json receipt")
    let kept = try await scene.expectShell("sluice convert x.vma --to raw=m")
    #expect(!kept.contains("has no timestamp"), "\(kept)")
    #expect(try facts("m/manifest.json")["instant"] == instant)
    // A header of no time, as a program without a clock makes it; its checksum is another then.
    try await place.shell(
      """
      python3 -c 'import hashlib
      data = bytearray(open("x.vma", "rb").read())
      size = int.from_bytes(data[56:60], "big")
      data[24:48] = bytes(24)
      data[32:48] = hashlib.md5(data[:size]).digest()
      open("timeless.vma", "wb").write(data)'
      """)
    let lost = try await scene.expectShell("sluice convert timeless.vma --to raw=n")
    #expect(lost.contains("has no timestamp"), "\(lost)")
    #expect(try facts("n/manifest.json")["instant"] != instant)
  }

  @Test func `an archive from a pipe goes to standard output`() async throws {
    try await scene.makeArchive()
    try await waitForAnotherSecond()
    try await scene.expectShell(
      """
      zstd -qc x.vma | sluice convert - --format vma --quiet --to vma=- > y.vma &&
      python3 '\(VMAScene.support)/vma-check' --written y.vma &&
      cmp -n 8 x.vma y.vma && cmp -i 24 -n 8 x.vma y.vma && sluice restore y.vma --to restored
      """)
    try await scene.expectSources("restored")
  }

  @Test(.enabled(if: VMAScene.oracles != nil, "oracles: SLUICE_ORACLES names no directory"))
  func `a genuine archive goes to a directory and back`() async throws {
    let archive = "'\(VMAScene.oracles ?? "")/two-disks.vma'"
    try await scene.expectShell(
      """
      sluice convert \(archive) --to raw=directory && sluice verify directory &&
      sluice convert directory --to vma=y.vma && sluice verify y.vma &&
      cmp -i 24 -n 8 y.vma \(archive)
      python3 '\(VMAScene.support)/vma-check' \(archive) > old &&
      python3 '\(VMAScene.support)/vma-check' --written y.vma > new && cmp old new
      """)
  }

  @Test(arguments: ["x.vma", "x.vma.zst"])
  func `half an archive of Proxmox is not converted`(name: String) async throws {
    try await scene.makeArchive()
    try await place.shell("zstd -q -k x.vma && head -c -100 \(name) > 'half\(name.dropFirst())'")
    let finding = try await scene.trip.run(
      ["convert", "half\(name.dropFirst())", "--to", "raw=directory", "--to", "vma=y.vma"])
    #expect(finding.status == 65 && finding.left == [], "\(finding.errors)")
    #expect(!place.exists("directory") && !place.exists("y.vma"))
  }
}
