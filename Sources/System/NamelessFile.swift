internal import CLinux
internal import Glibc

/// O_TMPFILE, which the Glibc module hides.
private let nameless: Int32 = 0o20000000 | O_DIRECTORY

/// Makes an empty file without a name, to be read and written; it is gone with its last descriptor.
///
/// - Parameters:
///   - path: The directory that decides where it takes room.
///   - start: Where a relative path begins.
package func openNamelessFile(
  _ path: String = ".", in start: Int32 = currentDirectory
) throws(SystemCallError) -> OwnedDescriptor {
  do throws(SystemCallError) {
    return try openFile(path, in: start, flags: nameless | O_RDWR, mode: 0o600)
  } catch {
    guard [EOPNOTSUPP, EISDIR, EINVAL].contains(error.code) else { throw error }
  }
  // A filesystem that cannot do so (NFS, old FUSE): a name for a moment.
  let name = "\(path)/.sluice-nameless-\(UInt64.random(in: 0 ... .max))"
  let file = try openFile(
    name, in: start, flags: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
  try check(unsafe clinux_unlinkat(start, name, 0), .unlink, name)
  return file
}
