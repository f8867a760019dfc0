import CommandLine
import Glibc
import System
import Testing

/// Stopping a job whose plugin does not want to be stopped.
@Suite(.inTurns) struct AbortTests {
  private func start(_ place: Scratch, _ plugins: PluginFolder, _ name: String) throws -> Program {
    try place.makeSparse("disk.raw", bytes: 64 << 20, data: [(0, 64 << 20)])
    return try startSluice(
      [
        "backup", "--json", "--plugin-path", plugins.path,
        "--image", "d=\(place.path("disk.raw"))", "--to", "\(name)=\(place.path("out"))",
      ])
  }

  private func expectInterrupted(_ finding: Finding, _ place: Scratch) throws {
    #expect(finding.status == 130)
    #expect(finding.errors.contains("interrupted; nothing was published"))
    #expect(finding.left == [])
    #expect(try place.names() == ["disk.raw"])
  }

  @Test func `a plugin that ignores ABORT is ended fifteen seconds later`() async throws {
    let (place, plugins) = (try Scratch(), try await PluginFolder(["ignores-abort"]))
    let program = try start(place, plugins, "ignores-abort")
    #expect(try await program.says("\"started\""))
    try await Task.sleep(for: .milliseconds(500))
    program.send(SIGINT)
    let sent = MonotonicTime.now
    let finding = try await program.finding()
    try expectInterrupted(finding, place)
    #expect(
      finding.output.contains(
        "ignored ABORT and the end of its input for 15 s and was killed (§13.2, E_PROTOCOL)"))
    #expect((14.9...25).contains(MonotonicTime.now.seconds(since: sent)))
  }

  @Test func `a second SIGINT ends it at once`() async throws {
    let (place, plugins) = (try Scratch(), try await PluginFolder(["ignores-abort"]))
    let program = try start(place, plugins, "ignores-abort")
    #expect(try await program.says("\"started\""))
    program.send(SIGINT)
    try await Task.sleep(for: .milliseconds(1000))
    program.send(SIGINT)
    let sent = MonotonicTime.now
    let finding = try await program.finding()
    try expectInterrupted(finding, place)
    #expect(MonotonicTime.now.seconds(since: sent) < 8)
  }

  @Test func `who stands still for ten seconds is warned about, and given up at the limit`()
    async throws
  {
    let (place, plugins) = (try Scratch(), try await PluginFolder(["never-releases"]))
    try place.makeSparse("disk.raw", bytes: 64 << 20, data: [(0, 64 << 20)])
    let program = try startSluice(
      [
        "backup", "--plugin-path", plugins.path, "--stall-limit", "13",
        "--image", "d=\(place.path("disk.raw"))", "--to", "never-releases=\(place.path("out"))",
      ])
    let finding = try await program.finding()
    #expect(finding.status == 70)
    #expect(finding.errors.contains("warning: plugin \"never-releases\" has made no progress"))
    #expect(finding.errors.contains("made no progress for 13 s (--stall-limit)"))
    #expect(finding.left == [])
  }

  @Test func `a plugin that grows its archive for ever is given up after ten stall limits`()
    async throws
  {
    let (place, plugins) = (try Scratch(), try await PluginFolder(["grows-for-ever"]))
    try place.makeSparse("disk.raw", bytes: 1 << 20, data: [(0, 1 << 20)])
    let finding = try await sluice(
      [
        "backup", "--plugin-path", plugins.path, "--stall-limit", "0.6",
        "--image", "d=\(place.path("disk.raw"))", "--to", "grows-for-ever=\(place.path("out"))",
      ])
    #expect(finding.status == 70)
    #expect(finding.errors.contains("the host waited for FINISHED for 6 s"), "\(finding.errors)")
    #expect(finding.left == [])
    #expect(try place.names() == ["disk.raw"])
  }

  @Test func `a plugin that answers nothing is stopped too`() async throws {
    let (place, plugins) = (try Scratch(), try await PluginFolder(["says-nothing"]))
    let program = try start(place, plugins, "says-nothing")
    #expect(try await program.says("\"started\""))
    for _ in 0..<2 {
      program.send(SIGTERM)
      try await Task.sleep(for: .milliseconds(500))
    }
    try expectInterrupted(try await program.finding(), place)
  }
}
