internal import CLinux
internal import Glibc
package import System

/// Removes everything below a directory that a plugin may have filled, however it did.
///
/// Links are removed, never followed; names are bytes. A tree deeper than 32 levels is lifted up
/// piece by piece, so that neither the stack nor the descriptors run out.
package struct TreeRemoval: ~Copyable {
  private static let depthMax = 32
  private let root: Int32

  /// - Parameter root: A directory that stays open as long as this value lives.
  package init(root: Int32) { self.root = root }

  /// Empties the root directory.
  package mutating func run() throws(SystemCallError) {
    // Lifting adds names to the root: go on until a pass finds nothing.
    while try !empty(root, depth: 0) {}
  }

  /// - Returns: Whether the directory is empty now.
  private func empty(_ directory: Int32, depth: Int) throws(SystemCallError) -> Bool {
    let names = try listNames(in: directory)
    for name in names { try remove(name, in: directory, depth: depth) }
    return depth > 0 || names.isEmpty
  }

  private func remove(
    _ name: FileName, in directory: Int32, depth: Int
  ) throws(SystemCallError) {
    guard try FileStatus(name, in: directory).kind == .directory else {
      return try name.unlink(in: directory, isDirectory: false)
    }
    if depth >= Self.depthMax { return try lift(name, from: directory) }
    let opened = try openLeftover(name, in: directory, flags: O_DIRECTORY)
    // It may be readable, and its names still not ours to remove.
    _ = clinux_fchmod(opened.raw, 0o700)
    _ = try empty(opened.raw, depth: depth + 1)
    try name.unlink(in: directory, isDirectory: true)
  }

  /// Moves a directory to the root, under a name that nothing there can be expected to have: if
  /// something has it all the same, that is in the way of nothing but this attempt.
  private func lift(_ name: FileName, from directory: Int32) throws(SystemCallError) {
    // An ordinary user moves only what it may write to.
    try? name.setPermissions(0o700, in: directory)
    for attempt in 1... {
      let lifted = FileName(".lifted-" + String(UInt64.random(in: 0 ... .max), radix: 36))
      do throws(SystemCallError) {
        return try name.rename(in: directory, to: lifted, in: root)
      } catch {
        guard [EEXIST, ENOTEMPTY, ENOTDIR].contains(error.code), attempt < 100 else { throw error }
      }
    }
  }
}

/// Opens what a plugin left, for reading and never through a link, even if the plugin has taken
/// everybody's permission away: an ordinary user would be locked out of its own staging place.
func openLeftover(
  _ name: FileName, in directory: Int32, flags: Int32
) throws(SystemCallError) -> OwnedDescriptor {
  let flags = flags | O_RDONLY | O_NOFOLLOW | O_NONBLOCK
  do throws(SystemCallError) { return try openFile(name, in: directory, flags: flags) } catch {
    guard error.code == EACCES else { throw error }
    try name.setPermissions(0o700, in: directory)
    return try openFile(name, in: directory, flags: flags)
  }
}
