@testable import ArchiveJobs
import CommandLine
import Glibc
import JobSupport
import Pump
import Requests
import System
import Testing

/// An archive is opened once: what was looked at is what its plugin reads.
@Suite(.inTurns) struct HeldArchiveTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  @Test func `an archive that becomes a pipe once it was found is read as it was found`() throws {
    let path = scratch.path("a.tar")
    let bytes = [UInt8](repeating: 7, count: 1024)
    try scratch.create("a.tar", bytes)
    let archive = try Archive.find(
      ArchiveRequest(path, format: "tar"), .test(), stop: StopSignal())
    unlink(path)
    // Opened by its name, this would wait for a writer for ever.
    #expect(mkfifo(path, 0o600) == 0)
    let opened = try archive.open()
    #expect(try readBytes(opened.raw, at: 0, count: 2048) == bytes)
  }

  @Test func `a pipe or a device is no archive, and is not waited for`() throws {
    let path = scratch.path("a.tar")
    #expect(mkfifo(path, 0o600) == 0)
    for name in [path, "/dev/null"] {
      let error = #expect(throws: JobError.self) {
        _ = try Archive.find(
          ArchiveRequest(name, format: "tar"), .test(), stop: StopSignal())
      }
      #expect(error?.status == .noInput)
    }
  }
}
