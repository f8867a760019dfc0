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
    let directory = try TemporaryDirectory()
    #expect(try distrust(directory.file("program", mode: 0o755)) == nil)
    #expect(try distrust("/bin/cat") == nil, "links in directories are followed first")
  }

  @Test(arguments: [0o775, 0o757] as [mode_t])
  func `a file that others can change is not`(mode: mode_t) throws {
    let directory = try TemporaryDirectory()
    #expect(try distrust(directory.file("program", mode: mode)) == .writableByOthers)
  }

  @Test(arguments: [0o775, 0o777] as [mode_t])
  func `a directory that others can change spoils what is below`(mode: mode_t) throws {
    let directory = try TemporaryDirectory()
    let below = directory.path + "/below"
    try FileManager.default.createDirectory(atPath: below, withIntermediateDirectories: false)
    let file = try directory.file("below/program", mode: 0o755)
    #expect(try distrust(file) == nil)
    chmod(directory.path, mode)
    #expect(try distrust(file) == .writableByOthers)
    chmod(directory.path, mode | S_ISVTX)
    #expect(try distrust(file) == nil, "in a sticky directory nobody replaces another's file")
  }

  @Test func `a symbolic link is not`() throws {
    let directory = try TemporaryDirectory()
    let link = directory.path + "/link"
    symlink("/bin/cat", link)
    #expect(try distrust(link) == .symbolicLink)
  }

  @Test func `a directory, a pipe and a relative path are not`() throws {
    let directory = try TemporaryDirectory()
    mkfifo(directory.path + "/pipe", 0o700)
    #expect(try distrust(directory.path) == .notRegular)
    #expect(try distrust(directory.path + "/pipe") == .notRegular)
    #expect(try distrust("bin/cat") == .notAbsolute)
  }

  @Test(.enabled(if: isRoot, "needs a file of somebody else"))
  func `somebody else's file or directory is not`() throws {
    let directory = try TemporaryDirectory()
    let file = try directory.file("program", mode: 0o755)
    chown(file, nobody, nobody)
    #expect(try distrust(file) == .foreignOwner)
    chown(file, 0, 0)
    #expect(try distrust(file) == nil)
    chown(directory.path, nobody, nobody)
    #expect(try distrust(file) == .foreignOwner)
  }

  @Test func `a missing file is a plain error`() throws {
    #expect(throws: SandboxError.self) { _ = try openTrustedExecutable("/nonexistent/program") }
  }
}
