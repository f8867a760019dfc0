internal import BackupProtocol
import Glibc
import System
import Testing

@testable import PluginHost

/// A directory of its own for each test, removed with it.
final class TestDirectory {
  let path: String

  init() throws {
    var template = Array("/tmp/sluice-host-tests.XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else {
      throw SystemCallError(.mkdir, subject: "/tmp", code: errno)
    }
    path = String(cString: made)
  }

  deinit {
    if let root = try? openFile(path, flags: O_RDONLY | O_DIRECTORY) {
      var removal = TreeRemoval(root: root.raw)
      try? removal.run()
    }
    rmdir(path)
  }

  func names() throws -> [String] { try listDirectory(path) }
  func make(_ name: String, _ text: String = "x") throws {
    let file = try openFile(path + "/" + name, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
    try text.utf8CString.withUnsafeBytes { bytes in
      try file.writeAll(UnsafeRawBufferPointer(rebasing: bytes.dropLast()), at: 0, subject: name)
    }
  }
}

struct StagingPlaceTests {
  private let directory: TestDirectory

  init() throws { directory = try TestDirectory() }

  private func place(_ id: String = "1") throws -> StagingPlace {
    try StagingPlace(target: directory.path + "/archive", kind: .directory, id: id)
  }

  private func fill(_ place: StagingPlace, _ name: String, _ text: String = "x") throws {
    try directory.make(place.stagingName + "/" + name, text)
  }

  @Test func `nothing has the final name before publishing, everything after`() throws {
    let place = try place()
    try fill(place, "d.raw")
    #expect(try directory.names() == [".archive.sluice-1"])
    try place.publish()
    #expect(try directory.names() == ["archive"])
    #expect(try listDirectory(directory.path + "/archive") == ["d.raw"])
    let status = try FileStatus(path: directory.path + "/archive/d.raw")
    #expect(status.permissions == 0o600)
  }

  @Test func `a place that is let go of is gone`() throws {
    do { try fill(try place(), "d.raw") }
    #expect(try directory.names() == [])
  }

  @Test func `an existing name is refused before and at publishing`() throws {
    let place = try place()
    mkdir(directory.path + "/archive", 0o700)
    #expect(throws: PublishingError.self) { try place.publish() }
    #expect(throws: PublishingError.self) { try self.place("2") }
    #expect(try listDirectory(directory.path + "/archive") == [])
  }

  @Test func `a stale place is removed, one in use is not`() throws {
    mkdir(directory.path + "/.archive.sluice-dead", 0o700)
    try directory.make(".archive.sluice-dead/rest")
    let first = try place("1")
    let second = try place("2")
    #expect(try directory.names() == [".archive.sluice-1", ".archive.sluice-2"])
    withExtendedLifetime((first, second)) {}
  }

  @Test(arguments: ["symlink", "hardlink", "fifo"])
  func `what is no plain file is never published`(kind: String) throws {
    let place = try place()
    try fill(place, "good")
    let inside = directory.path + "/" + place.stagingName
    try directory.make("outside")
    switch kind {
    case "symlink": symlink("/etc/passwd", inside + "/bad")
    case "hardlink": link(directory.path + "/outside", inside + "/bad")
    default: mkfifo(inside + "/bad", 0o600)
    }
    #expect(throws: PublishingError.self) { try place.publish() }
    try place.discard()
    #expect(try directory.names() == ["outside"])
  }

  @Test func `a tree deeper than any stack is removed`() throws {
    let place = try place()
    var parent = try openFile(
      directory.path + "/" + place.stagingName, flags: O_RDONLY | O_DIRECTORY)
    for _ in 0..<3000 {
      mkdirat(parent.raw, "d", 0o700)
      parent = try openFile("d", in: parent.raw, flags: O_RDONLY | O_DIRECTORY)
    }
    #expect(throws: PublishingError.self) { try place.publish() }
    try place.discard()
    #expect(try directory.names() == [])
  }

  @Test(arguments: ["", "/", ".", ".."])
  func `names that are none are refused`(name: String) {
    #expect(throws: PublishingError.self) {
      try StagingPlace(target: directory.path + "/" + name, kind: .directory, id: "1")
    }
  }
}
