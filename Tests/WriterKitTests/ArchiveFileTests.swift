import CommandLine
import Glibc
import Testing
@testable import WriterKit

@Suite struct `A file of an archive` {
  private let place: Scratch
  private let directory: Int32

  init() throws {
    place = try Scratch()
    directory = open(place.directory, O_RDONLY | O_DIRECTORY)
  }

  private var output: Output { Output(descriptor: directory, kind: .directory) }
  private var input: Input { Input(descriptor: directory, kind: .directory) }

  @Test func `takes bytes at any place, and gives them back`() throws {
    defer { close(directory) }
    var file = try output.createFile("a")
    try file.append([1, 2])
    try file.append([3])
    #expect(file.place == 3)
    try file.write([9, 9], at: 70_000)
    try file.resize(to: 70_003)
    try file.synchronize()
    let found = try input.openFile("a")
    #expect(try found.size() == 70_003)
    #expect(try found.read(3, at: 0) == [1, 2, 3])
    #expect(try found.read(4, at: 69_999) == [0, 9, 9, 0])
    #expect(try found.readNext(2) + found.readNext(1) == [1, 2, 3])
  }

  @Test func `that ends early is corrupt`() throws {
    defer { close(directory) }
    var file = try output.createFile("a")
    try file.append([1, 2, 3])
    let early = PluginError(.corrupt, "a ends early")
    #expect(throws: early) { _ = try input.openFile("a").read(2, at: 2) }
    #expect(throws: early) { _ = try input.openFile("a").readNext(4) }
  }

  @Test func `is made once, and its name is a name`() throws {
    defer { close(directory) }
    _ = try output.createFile("a")
    #expect { _ = try output.createFile("a") } throws: { ($0 as? PluginError)?.code == .exists }
    for name in ["", ".", "..", "/etc/passwd", "b/c"] {
      #expect { _ = try output.createFile(name) } throws: {
        ($0 as? PluginError)?.code == .internal
      }
    }
  }

  @Test func `is neither a link nor a pipe nor a directory`() throws {
    defer { close(directory) }
    #expect(symlink("/etc/passwd", place.path("link")) == 0)
    #expect(mkfifo(place.path("pipe"), 0o600) == 0)
    #expect(mkdir(place.path("directory"), 0o700) == 0)
    for name in ["link", "pipe", "directory"] {
      #expect { _ = try input.openFile(name) } throws: { ($0 as? PluginError)?.code == .corrupt }
    }
    #expect { _ = try input.openFile("none") } throws: { ($0 as? PluginError)?.code == .notFound }
  }

  @Test func `is closed when it is dropped, and the archive itself is not`() throws {
    let number: Int32
    do {
      let file = try output.createFile("a")
      number = file.descriptor
      #expect(fcntl(number, F_GETFD) >= 0)
    }
    #expect(fcntl(number, F_GETFD) == -1)
    do { _ = output.file }
    #expect(fcntl(directory, F_GETFD) >= 0)
    close(directory)
  }
}
