import CommandLine
import System
import Testing

/// The writer of the plugin guide does what the guide says, under the real host.
@Suite(.inTurns) struct ReadmeWriterTests {
  @Test func `the writer in the plugin guide makes an archive`() async throws {
    let place = try Scratch()
    let manifest = try Tree.text("Tests/Support/readme-writer/plain.json")
    try place.write("plain.json", Array(manifest.utf8))
    // A manifest names its executable relative to itself.
    try await place.shell("cp '\(Build.directory)/readme-writer' . && chmod 755 readme-writer")
    try place.makeSparse("d.raw", bytes: 3_000_001, data: [(1 << 20, 70_000), (3_000_000, 1)])
    let finding = try await sluice(
      [
        "backup", "--plugin-path", place.directory, "--image", "d=\(place.path("d.raw"))",
        "--to", "plain=\(place.path("out"))",
      ])
    #expect(finding.status == 0, "\(finding.errors)")
    try await place.shell("cmp d.raw out && ls out.sluice.json")
    #expect(try place.status("out").storedBytes <= 128 << 10)
  }
}
