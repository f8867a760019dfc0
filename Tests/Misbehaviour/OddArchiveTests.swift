import CommandLine
import System
import Testing

/// What a plugin may do, however odd it is: these archives are published, and are the caller's.
@Suite(.inTurns) struct OddArchiveTests {
  private func backUp(
    _ name: String, _ place: Scratch, receipts: Set<String> = [], output: String = "directory",
    dataBytes: Int = 8 << 20
  ) async throws -> Finding {
    let plugins = try await PluginFolder([name], receipts: receipts, output: output)
    try place.makeSparse("disk.raw", bytes: 8 << 20, data: [(0, dataBytes)])
    return try await sluice(
      [
        "backup", "--plugin-path", plugins.path, "--image", "d=\(place.path("disk.raw"))",
        "--to", "\(name)=\(place.path("out"))",
      ])
  }

  @Test func `a receipt that says what was sent is accepted`() async throws {
    let place = try Scratch()
    let finding = try await backUp("true-receipt", place, receipts: ["true-receipt"])
    #expect(finding.status == 0, "\(finding.errors)")
    #expect(finding.left == [])
    #expect(try place.names() == ["disk.raw", "out"])
    #expect(try place.names("out") == ["receipt.json"])
  }

  @Test(.enabled(if: Build.isRoot, "only root can open a file without permissions"))
  func `a file that nobody may read becomes the caller's own`() async throws {
    let place = try Scratch()
    let finding = try await backUp("leaves-a-closed-dir", place)
    #expect(finding.status == 0, "\(finding.errors)")
    #expect(try place.status("out/closed").permissions & 0o777 == 0o600)
    #expect(try place.status("out/shut").permissions & 0o777 == 0o700)
    #expect(try place.status("out/closed").owner == 0)
    #expect(try place.names() == ["disk.raw", "out", "out.sluice.json"])
  }

  @Test func `one byte anywhere in a file is an archive, and so is a hole of a disk of zeros`()
    async throws
  {
    for (trick, dataBytes) in [("leaves-one-byte", 8 << 20), ("leaves-a-hole", 0)] {
      let place = try Scratch()
      let finding = try await backUp(trick, place, output: "file", dataBytes: dataBytes)
      #expect(finding.status == 0, "\(finding.errors)")
      #expect(try place.names() == ["disk.raw", "out", "out.sluice.json"])
    }
  }

  @Test func `standard output that is a file gets what was announced, and keeps what it held`()
    async throws
  {
    let tricks = ["cuts-its-pipe", "announces-a-full-file"]
    let plugins = try await PluginFolder(tricks, output: "pipe")
    let place = try Scratch()
    try place.makeSparse("disk.raw", bytes: 8 << 20, data: [(0, 8 << 20)])
    let command =
      "'\(Build.directory)/sluice' backup --plugin-path '\(plugins.path)' --image d=disk.raw"
    try await place.shell(
      "echo before > out; \(command) --to cuts-its-pipe=- >> out"
        + " && printf 'before\\nx' | cmp - out")
    try await place.shell(
      "\(command) --to announces-a-full-file=- > full 2> words; test $? = 70 && grep -q "
        + "'announced 8388608 bytes but wrote 0' words")
  }

  @Test func `a receipt whose archive was taken elsewhere is the user's, and stays`() async throws {
    let place = try Scratch()
    #expect(try await backUp("keeps-the-protocol", place).status == 0)
    #expect(try place.names() == ["disk.raw", "out", "out.sluice.json"])
    let taken = try await backUp("keeps-the-protocol", place)
    #expect(taken.status == 73, "\(taken.errors)")
    try await place.shell("cp out.sluice.json first && rm -r out")
    let again = try await backUp("keeps-the-protocol", place)
    #expect(again.status == 73, "\(again.errors)")
    #expect(again.errors.contains("out.sluice.json already exists"), "\(again.errors)")
    try await place.shell("cmp first out.sluice.json && ! test -e out")
  }

  @Test func `a file that is no receipt is found before the copying`() async throws {
    let place = try Scratch()
    try place.write("out.sluice.json", Array("my own notes\n".utf8))
    let finding = try await backUp("keeps-the-protocol", place)
    #expect(finding.status == 73, "\(finding.errors)")
    #expect(finding.errors.contains("cannot create"), "\(finding.errors)")
    #expect(finding.left == [])
    #expect(try place.text("out.sluice.json") == "my own notes\n")
    #expect(try place.names() == ["disk.raw", "out.sluice.json"])
  }
}
