import CommandLine
import BackupProtocol
import JSON
import ScriptedHost
import Testing

/// A disk of a size alone.
private func disk(
  _ name: String = "d", id: UInt32 = 1, size: UInt64? = 512, isIncremental: Bool = false
) -> Content {
  Content(
    StreamDescription(
      id: id, kind: size == nil ? .vmstate : .disk, name: name, role: "disk", size: size,
      isIncremental: isIncremental), [])
}

@Suite(.inTurns) struct `What a tar archive cannot hold` {
  @Test(
    arguments: [
      (.unsupported, "incremental", [disk(isIncremental: true)], [:]),
      (.unsupported, "in advance", [disk(size: nil)], [:]),
      (.badJob, "same file name v.bin", [.config(2, "v.bin", []), .state(1, [1], name: "v")], [:]),
      (.badJob, "same file name d.raw", [disk(), .config(2, "d.raw", [])], [:]),
      (.badJob, "reserved name", [.config(1, "manifest.json", [])], [:]),
      (.badJob, "255", [disk(String(repeating: "n", count: 252))], [:]),
      (.badOption, "no option", [disk()], ["depth": 3]),
      (.badOption, "has no option", [disk()], ["level": 3]),
      (.badOption, "zstd:19", [disk()], ["compress": "zstd:20"]),
      (.badOption, "must be on or off", [disk()], ["sha256sums": "yes"]),
    ] as [(ErrorCode, String, [Content], JSONObject)])
  func `is refused before anything is read`(
    code: ErrorCode, word: String, contents: [Content], options: JSONObject
  ) throws {
    try workshop.expectRefused(contents, options, code, says: word)
  }

  @Test func `is not what just fits`() throws {
    let contents = [disk(String(repeating: "n", count: 251)), disk("e", id: 2, size: 1 << 53 - 1)]
    let file = try ScratchArchive()
    let plugin = try workshop.startWriter(file)
    try plugin.host.start(contents, format: "tar", output: .file)
    plugin.host.closeInput()
    #expect(plugin.wait() == .exit(1))
    #expect(try file.bytes() == [])
  }

  @Test(arguments: [true, false])
  func `leaves an empty file when the job is called off`(isDead: Bool) throws {
    try workshop.expectNothingWhenCalledOff(isDead: isDead, isReleased: true)
  }
}
