package import CommandLine
internal import Glibc
package import System

/// An archive in a directory that goes away with its owner.
package final class ScratchArchive {
  package static let name = "archive"
  package let place: Scratch

  package init() throws { place = try Scratch() }

  package convenience init(_ bytes: [UInt8]) throws {
    try self.init()
    try place.create(Self.name, bytes)
  }

  package var path: String { place.path(Self.name) }

  package func bytes() throws -> [UInt8] { try place.bytes(Self.name) }

  package func opened(_ flags: Int32) throws -> OwnedDescriptor {
    try openFile(Self.name, in: place.descriptor.raw, flags: flags, mode: 0o600)
  }

  /// A stream that ends in the file, or begins with it: a pipe with `cat` at its other end.
  package func pipe(writing: Bool) throws -> OwnedDescriptor {
    let cat = writing ? "cat pipe > \(Self.name); touch done" : "cat \(Self.name) > pipe"
    let start =
      "cd \(place.directory) && rm -f pipe done && mkfifo pipe && { (\(cat)) 2>/dev/null & }"
    try require(try shell(start) == .exit(0), "the shell failed")
    return try openFile(
      "pipe", in: place.descriptor.raw, flags: writing ? O_WRONLY : O_RDONLY)
  }

  /// Waits until `cat` has written all that came through the pipe.
  package func waitForPipe() throws {
    for _ in 0..<2000 where !place.exists("done") { usleep(5000) }
    try require(place.exists("done"), "cat did not end")
  }
}
