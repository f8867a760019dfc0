internal import CLinux
internal import Glibc
package import System

/// A directory that is open: names are looked up in it, whatever is renamed meanwhile.
package final class HeldDirectory: Sendable {
  package struct Identity: Hashable, Sendable {
    package let device, inode: UInt64
  }

  /// Absolute, without symbolic links.
  package let path: String
  package let identity: Identity
  private let directory: OwnedDescriptor

  /// Deeper than any path can name.
  private static let depthMax = 4096

  /// - Parameters:
  ///   - name: As somebody wrote it; links in it are followed.
  ///   - start: Where a relative name begins; `nil` is the current directory.
  package init(_ name: String, from start: HeldDirectory? = nil) throws(SystemCallError) {
    directory = try openFile(
      name, in: start?.raw ?? currentDirectory, flags: pathOnly | O_DIRECTORY)
    let status = try FileStatus(descriptor: directory.raw, subject: name)
    identity = status.identity
    path = try realPath("/proc/self/fd/\(directory.raw)")
  }

  /// Valid as long as this lives.
  package var raw: Int32 { directory.raw }

  /// Whether it is one of `others` or lies beneath one: found by its parents, not by its name.
  package func isBeneath(_ others: Set<Identity>) throws(SystemCallError) -> Bool {
    if others.contains(identity) { return true }
    var above = try openFile("..", in: raw, flags: pathOnly | O_DIRECTORY)
    var child = identity
    for _ in 0..<Self.depthMax {
      let parent = try FileStatus(descriptor: above.raw, subject: path).identity
      if others.contains(parent) { return true }
      if parent == child { return false }
      child = parent
      above = try openFile("..", in: above.raw, flags: pathOnly | O_DIRECTORY)
    }
    return false
  }
}

extension FileStatus {
  package var identity: HeldDirectory.Identity {
    HeldDirectory.Identity(device: device, inode: inode)
  }
}

/// Where a file is to be found: a directory that is open, and a name right in it.
struct FilePlace: Sendable {
  let directory: HeldDirectory
  let leaf: String

  /// Absolute; only its last part may be a symbolic link.
  var path: String { (directory.path == "/" ? "" : directory.path) + "/" + leaf }

  /// The place that a path of the caller's names.
  init(path: String) throws(SystemCallError) {
    let (directory, name) = splitPath(path)
    self.init(directory: try HeldDirectory(directory), leaf: name.isEmpty ? "." : name)
  }

  init(directory: HeldDirectory, leaf: String) {
    self.directory = directory
    self.leaf = leaf
  }
}
