import CommandLine
import Glibc
import System
import Testing

/// A plugin that makes names faster than anybody removes them: it must be dead before its place is.
@Suite(.inTurns) struct LitterTests {
  let place: Scratch

  init() throws {
    place = try Scratch()
    try place.makeSparse("d.raw", bytes: 4 << 20, data: [(0, 4 << 20)])
  }

  @Test func `a job that ends before it has begun leaves nothing of its first output`()
    async throws
  {
    let plugins = try await PluginFolder(["litters-at-once"])
    try await place.shell("mkdir taken")
    // The outputs between give the plugin time to start.
    let between = (1...6).flatMap { ["--to", "raw:r\($0)=r\($0)"] }
    let finding = try await sluice(
      [
        "backup", "--plugin-path", plugins.path, "--image", "d=d.raw",
        "--to", "litters-at-once=a",
      ] + between + ["--to", "raw:t=taken"], in: place.directory)
    #expect(finding.status == 73, "\(finding.errors)")
    #expect(finding.left == [])
    #expect(try place.names() == ["d.raw", "taken"])
  }

  @Test func `a signal ends a plugin that litters, and its litter`() async throws {
    let plugins = try await PluginFolder(["litters"])
    let program = try startSluice(
      [
        "backup", "--json", "--plugin-path", plugins.path, "--image", "d=\(place.path("d.raw"))",
        "--to", "litters=\(place.path("a"))",
      ])
    #expect(try await program.says("\"started\""))
    try await Task.sleep(for: .seconds(1))
    for _ in 0..<2 {
      program.send(SIGINT)
      try await Task.sleep(for: .milliseconds(300))
    }
    let finding = try await program.finding()
    #expect(finding.status == 130, "\(finding.errors)")
    #expect(finding.left == [])
    // Eight seconds after the second signal it ends in any case: on a busy machine that is less
    // than the removal of all the names takes, and the rest is for the next job.
    if finding.errors.contains("did not stop in time") {
      let cleaning = try await sluice(["clean", place.directory])
      #expect(cleaning.status == 0, "\(cleaning.errors)")
    }
    #expect(try place.names() == ["d.raw"], "\(finding.errors)")
  }
}
