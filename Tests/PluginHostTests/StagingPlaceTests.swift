import CommandLine
internal import BackupProtocol
import Glibc
import Sandbox
import System
import Testing

@testable import PluginHost

extension Scratch {
  /// Makes a file that is not there.
  func make(_ name: String, _ text: String = "x") throws {
    let file = try openFile(path(name), flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
    try Array(text.utf8).withUnsafeBytes { try file.writeAll($0, at: 0, subject: name) }
  }
}

/// A job's id, as long as they are.
func jobID(_ number: Int) -> String {
  let digits = String(number, radix: 16)
  return String(repeating: "0", count: 32 - digits.count) + digits
}

struct StagingPlaceTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func place(_ number: Int = 1) throws -> StagingPlace {
    try StagingPlace(target: scratch.path("archive"), kind: .directory, id: jobID(number))
  }

  private func inside(_ place: StagingPlace) -> String {
    scratch.path("\(place.room.name)/archive")
  }

  private func fill(_ place: StagingPlace, _ name: String, _ text: String = "x") throws {
    try scratch.make("\(place.room.name)/archive/" + name, text)
  }

  @Test func `nothing has the final name before publishing, everything after`() throws {
    let place = try place()
    try fill(place, "d.raw")
    #expect(try scratch.names() == [".archive.sluice-\(jobID(1))"])
    try place.publish()
    #expect(try scratch.names() == ["archive"])
    #expect(try listDirectory(scratch.path("archive")) == ["d.raw"])
    let status = try FileStatus(path: scratch.path("archive/d.raw"))
    #expect(status.permissions == 0o600)
  }

  @Test func `an archive and its receipt get their names together`() throws {
    let target = scratch.path("archive")
    let place = try StagingPlace(target: target, kind: .file, id: jobID(1), hasReceipt: true)
    try place.publish(receipt: Array("{}".utf8))
    #expect(try scratch.names() == ["archive", "archive.sluice.json"])
    #expect(try FileStatus(path: target + ".sluice.json").permissions == 0o600)
  }

  @Test func `no other user can enter the staging place`() throws {
    let place = try place()
    let outer = try FileStatus(path: scratch.directory + "/" + place.room.name)
    #expect(outer.permissions == 0o700)
    #expect(outer.owner == geteuid())
    if geteuid() == 0 {
      _ = try place.giveToPlugin(.mapped(user: 65521, group: 65521))
      #expect(try FileStatus(path: scratch.directory + "/" + place.room.name).owner == 0)
      #expect(try FileStatus(path: inside(place)).owner == 65521)
    }
  }

  @Test func `a place that is let go of is gone`() throws {
    do { try fill(try place(), "d.raw") }
    #expect(try scratch.names() == [])
  }

  @Test func `an existing name is refused before and at publishing`() throws {
    let place = try place()
    mkdir(scratch.path("archive"), 0o700)
    #expect(throws: PublishingError.self) { try place.publish() }
    #expect(throws: PublishingError.self) { try self.place(2) }
    #expect(try listDirectory(scratch.path("archive")) == [])
  }

  @Test func `a receipt's name that is taken is refused at the start`() throws {
    try scratch.make("archive.sluice.json")
    #expect(throws: PublishingError.self) {
      try StagingPlace(
        target: scratch.path("archive"), kind: .file, id: jobID(1), hasReceipt: true)
    }
    #expect(try scratch.names() == ["archive.sluice.json"])
  }

  @Test func `an archive that cannot have its name takes its receipt back`() throws {
    let target = scratch.path("archive")
    let place = try StagingPlace(target: target, kind: .file, id: jobID(1), hasReceipt: true)
    try scratch.make("archive")
    #expect(throws: PublishingError.self) { try place.publish(receipt: Array("{}".utf8)) }
    place.discard()
    #expect(try scratch.names() == ["archive"])
  }

  @Test(arguments: ["symlink", "hardlink", "fifo"])
  func `what is no plain file is never published`(kind: String) throws {
    let place = try place()
    try fill(place, "good")
    try scratch.make("outside")
    switch kind {
    case "symlink": symlink("/etc/passwd", inside(place) + "/bad")
    case "hardlink": link(scratch.path("outside"), inside(place) + "/bad")
    default: mkfifo(inside(place) + "/bad", 0o600)
    }
    #expect(throws: PublishingError.self) { try place.publish() }
    place.discard()
    #expect(try scratch.names() == ["outside"])
  }

  @Test func `a tree deeper than any stack is removed`() throws {
    let place = try place()
    var parent = try openFile(inside(place), flags: O_RDONLY | O_DIRECTORY)
    for _ in 0..<3000 {
      mkdirat(parent.raw, "d", 0o700)
      parent = try openFile("d", in: parent.raw, flags: O_RDONLY | O_DIRECTORY)
    }
    #expect(throws: PublishingError.self) { try place.publish() }
    place.discard()
    #expect(try scratch.names() == [])
  }

  @Test(arguments: [
    "", "/", ".", "..", ".web.sluice-0123456789abcdef0123456789abcdef",
    String(repeating: "n", count: 215),
  ])
  func `names that are none are refused`(name: String) {
    #expect(throws: PublishingError.self) {
      try StagingPlace(target: scratch.directory + "/" + name, kind: .directory, id: jobID(1))
    }
  }

  @Test func `a name of 214 bytes is an archive's`() throws {
    let name = String(repeating: "n", count: 214)
    let target = scratch.directory + "/" + name
    try StagingPlace(target: target, kind: .directory, id: jobID(1)).publish()
    #expect(try scratch.names() == [name])
  }

  @Test func `an archive that another process can still write is not published`() throws {
    let target = scratch.path("archive")
    let place = try StagingPlace(target: target, kind: .file, id: jobID(1))
    _ = try place.giveToPlugin(.keep)
    try #require(place.room.means.hasLeases, "no leases on this file system")
    let writer = try place.descriptorForPlugin()
    #expect(throws: PublishingError.self) { try place.publish() }
    try writer.close()
    try place.publish()
    #expect(try scratch.names() == ["archive"])
  }

  @Test func `an archive that is mapped writable is not published`() throws {
    let place = try place()
    _ = try place.giveToPlugin(.keep)
    try fill(place, "d.raw", String(repeating: "x", count: 4096))
    let file = try openFile(inside(place) + "/d.raw", flags: O_RDWR)
    let mapping = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file.raw, 0)
    try file.close()
    #expect(throws: PublishingError.self) { try place.publish() }
    munmap(mapping, 4096)
    try place.publish()
  }

  @Test func `a lock that another holds on the directory costs a moment, not the job`() throws {
    let holder = try openFile(scratch.directory, flags: O_RDONLY | O_DIRECTORY)
    flock(holder.raw, LOCK_EX)
    let start = MonotonicTime.now
    let place = try place()
    #expect(MonotonicTime.now.seconds(since: start) < 2)
    try place.publish()
    #expect(try scratch.names() == ["archive"])
  }

  @Test func `a directory that was renamed during the job is told`() throws {
    mkdir(scratch.path("before"), 0o700)
    let target = scratch.path("before/archive")
    let place = try StagingPlace(target: target, kind: .file, id: jobID(1))
    #expect(place.newPath == nil)
    rename(scratch.path("before"), scratch.path("after"))
    mkdir(scratch.path("before"), 0o700)
    try place.publish()
    #expect(place.newPath == scratch.path("after/archive"))
    #expect(try listDirectory(scratch.path("after")) == ["archive"])
    #expect(try listDirectory(scratch.path("before")) == [])
  }

  @Test func `a place whose name leads elsewhere by now is not followed`() throws {
    let place = try place()
    let name = scratch.directory + "/" + place.room.name
    rename(name, scratch.path("away"))
    mkdir(name, 0o700)
    mkdir(name + "/archive", 0o700)
    try scratch.make("\(place.room.name)/archive/forged")
    try place.publish()
    #expect(try listDirectory(scratch.path("archive")) == [])
    #expect(try listDirectory(name + "/archive") == ["forged"])
  }
}
