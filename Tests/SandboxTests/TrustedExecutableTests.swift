import CommandLine
import Foundation
import Testing

@testable import Sandbox
@testable import System

@Suite struct TrustedExecutableTests {
  private func distrust(_ path: String) throws -> SandboxError.Distrust? {
    do { _ = try openTrustedExecutable(path) } catch SandboxError.untrusted(_, let reason) {
      return reason
    }
    return nil
  }

  @Test func `a file that only its owner can change is trusted`() throws {
    let place = try Scratch()
    #expect(try distrust(place.file("program", mode: 0o755)) == nil)
    #expect(try distrust("/bin/cat") == nil, "links in directories are followed first")
  }

  @Test(arguments: [0o775, 0o757] as [mode_t])
  func `a file that others can change is not`(mode: mode_t) throws {
    let place = try Scratch()
    #expect(try distrust(place.file("program", mode: mode)) == .writableByOthers)
  }

  @Test(arguments: [0o775, 0o777] as [mode_t])
  func `a directory that others can change spoils what is below`(mode: mode_t) throws {
    let place = try Scratch()
    let below = place.path("below")
    try FileManager.default.createDirectory(atPath: below, withIntermediateDirectories: false)
    let file = try place.file("below/program", mode: 0o755)
    #expect(try distrust(file) == nil)
    chmod(place.directory, mode)
    #expect(try distrust(file) == .writableByOthers)
    chmod(place.directory, mode | S_ISVTX)
    #expect(try distrust(file) == nil, "in a sticky directory nobody replaces another's file")
  }

  @Test func `a symbolic link is not`() throws {
    let place = try Scratch()
    let link = place.path("link")
    symlink("/bin/cat", link)
    #expect(try distrust(link) == .symbolicLink)
  }

  @Test func `a directory, a pipe and a relative path are not`() throws {
    let place = try Scratch()
    mkfifo(place.path("pipe"), 0o700)
    #expect(try distrust(place.directory) == .notRegular)
    #expect(try distrust(place.path("pipe")) == .notRegular)
    #expect(try distrust("bin/cat") == .notAbsolute)
  }

  @Test(.enabled(if: isRoot, "needs a file of somebody else"))
  func `somebody else's file or directory is not`() throws {
    let place = try Scratch()
    let file = try place.file("program", mode: 0o755)
    chown(file, nobody, nobody)
    #expect(try distrust(file) == .foreignOwner)
    chown(file, 0, 0)
    #expect(try distrust(file) == nil)
    chown(place.directory, nobody, nobody)
    #expect(try distrust(file) == .foreignOwner)
  }

  @Test func `a missing file is a plain error`() throws {
    #expect(throws: SandboxError.self) { _ = try openTrustedExecutable("/nonexistent/program") }
  }
}
