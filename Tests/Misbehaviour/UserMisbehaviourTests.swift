import CommandLine
import System
import Testing

/// The same walls for an ordinary user, whose plugins run under the user's own id.
@Suite(.inTurns, .enabled(if: Build.isRoot, "root becomes an ordinary user"))
struct UserMisbehaviourTests {
  private static let misdeeds = [
    "dies-mid-stream", "releases-twice", "stalls", "eats-memory", "fork-bomb", "opens-a-socket",
    "leaves-a-symlink", "leaves-deep-dirs", "leaves-a-closed-dir-and-dies",
    "leaves-deep-closed-dirs", "leaves-bytes-and-dies",
  ]

  @Test func `a misbehaving plugin of an ordinary user leaves nothing`() async throws {
    let copy = try await PublicBuild()
    let plugins = try await PluginFolder(Self.misdeeds)
    for misdeed in Misdeed.all where Self.misdeeds.contains(misdeed.name) {
      let place = try Scratch(owner: Build.nobody)
      let finding = try await backUp(misdeed.name, place, plugins, copy)
      #expect(finding.status == misdeed.status, "\(finding.errors)")
      #expect(finding.errors.contains("\"\(misdeed.name)\""), "\(finding.errors)")
      for words in misdeed.says { #expect(finding.errors.contains(words), "\(finding.errors)") }
      #expect(finding.left == [])
      #expect(try place.names() == ["disk.raw"])
    }
  }

  @Test func `what a plugin has closed to everybody is opened to the user`() async throws {
    let copy = try await PublicBuild()
    let plugins = try await PluginFolder(["leaves-a-closed-dir"])
    let place = try Scratch(owner: Build.nobody)
    let finding = try await backUp("leaves-a-closed-dir", place, plugins, copy)
    #expect(finding.status == 0, "\(finding.errors)")
    #expect(try place.status("out/closed").permissions & 0o777 == 0o600)
    #expect(try place.status("out/shut").permissions & 0o777 == 0o700)
    #expect(try place.status("out/closed").owner == Build.nobody)
  }

  private func backUp(
    _ name: String, _ place: Scratch, _ plugins: PluginFolder, _ copy: PublicBuild
  ) async throws -> Finding {
    try place.makeSparse("disk.raw", bytes: 8 << 20, data: [(0, 8 << 20)])
    return try await sluice(
      [
        "backup", "--plugin-path", plugins.path, "--image", "d=\(place.path("disk.raw"))",
        "--to", "\(name)=\(place.path("out"))", "--stall-limit", "3",
      ], user: Build.nobody, build: copy.directory)
  }
}
