internal import CLinux
internal import Glibc
internal import System

/// Removes everything below a directory that a plugin may have filled, however it did.
///
/// Links are removed, never followed. A tree deeper than 32 levels is lifted up piece by piece, so
/// that neither the stack nor the descriptors run out.
struct TreeRemoval: ~Copyable {
  private static let depthMax = 32
  private let root: Int32
  private var liftedCount = 0

  /// - Parameter root: A directory that stays open as long as this value lives.
  init(root: Int32) { self.root = root }

  /// Empties the root directory.
  mutating func run() throws(SystemCallError) {
    // Lifting adds names to the root: go on until a pass finds nothing.
    while try !empty(root, depth: 0) {}
  }

  /// - Returns: Whether the directory is empty now.
  private mutating func empty(_ directory: Int32, depth: Int) throws(SystemCallError) -> Bool {
    let names = try listDirectory(".", in: directory)
    for name in names { try remove(name, in: directory, depth: depth) }
    return depth > 0 || names.isEmpty
  }

  private mutating func remove(
    _ name: String, in directory: Int32, depth: Int
  ) throws(SystemCallError) {
    let status = try FileStatus(path: name, in: directory)
    guard status.kind == .directory else {
      try check(unsafe clinux_unlinkat(directory, name, 0), .unlink, name)
      return
    }
    if depth >= Self.depthMax {
      liftedCount += 1
      let lifted = ".lifted-\(liftedCount)"
      try check(
        unsafe clinux_rename_no_replace(directory, name, root, lifted), .rename, name)
      return
    }
    let opened = try openLeftover(name, in: directory, flags: O_DIRECTORY)
    // It may be readable, and its names still not ours to remove.
    _ = clinux_fchmod(opened.raw, 0o700)
    _ = try empty(opened.raw, depth: depth + 1)
    try check(unsafe clinux_unlinkat(directory, name, 1), .unlink, name)
  }
}

/// Opens what a plugin left, for reading and never through a link, even if the plugin has taken
/// everybody's permission away: an ordinary user would be locked out of its own staging place.
func openLeftover(
  _ name: String, in directory: Int32, flags: Int32
) throws(SystemCallError) -> OwnedDescriptor {
  let flags = flags | O_RDONLY | O_NOFOLLOW | O_NONBLOCK
  do throws(SystemCallError) { return try openFile(name, in: directory, flags: flags) } catch {
    guard error.code == EACCES else { throw error }
    try check(unsafe clinux_fchmodat(directory, name, 0o700), .open, name)
    return try openFile(name, in: directory, flags: flags)
  }
}
