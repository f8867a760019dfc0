import Glibc
import PluginHost
import Pump
import Sandbox
import System
import Testing

@testable import Coordinator

/// An archive is opened once: what was looked at is what its plugin reads.
@Suite struct HeldArchiveTests {
  private let directory: String

  init() {
    var template = Array("/tmp/sluice-held-XXXXXX".utf8CString)
    directory = String(cString: mkdtemp(&template))
  }

  private func surroundings() throws -> Surroundings {
    let own = splitPath(try realPath("/proc/self/exe")).directory
    return Surroundings(
      places: PluginPlaces(executable: own + "/sluice", extra: [], environment: nil),
      sandbox: .auto, events: { _ in })
  }

  @Test func `an archive that becomes a pipe once it was found is read as it was found`() throws {
    let path = directory + "/a.tar"
    let bytes = [UInt8](repeating: 7, count: 1024)
    let file = try openFile(path, flags: O_CREAT | O_WRONLY, mode: 0o600)
    try bytes.withUnsafeBytes { try file.writeAll($0, at: 0, subject: path) }
    let archive = try Archive.find(
      ArchiveRequest(path, format: "tar"), try surroundings(), stop: StopSignal())
    unlink(path)
    // Opened by its name, this would wait for a writer for ever.
    #expect(mkfifo(path, 0o600) == 0)
    let opened = try archive.open()
    #expect(try readBytes(opened.raw, at: 0, count: 2048) == bytes)
    unlink(path)
    rmdir(directory)
  }

  @Test func `a pipe or a device is no archive, and is not waited for`() throws {
    let path = directory + "/a.tar"
    #expect(mkfifo(path, 0o600) == 0)
    for name in [path, "/dev/null"] {
      let error = #expect(throws: JobError.self) {
        _ = try Archive.find(
          ArchiveRequest(name, format: "tar"), try surroundings(), stop: StopSignal())
      }
      #expect(error?.status == .noInput)
    }
    unlink(path)
    rmdir(directory)
  }
}
