internal import CLinux
internal import Glibc
internal import System

/// The outer directory of a staging place: the caller's own, which no other user can enter.
final class StagingRoom {
  let name: String
  private let directory: OwnedDescriptor
  /// Holds the lock that says the job lives.
  private var mark: OwnedDescriptor?
  let means: TargetMeans
  /// Whether modes can be set; FAT has none.
  let hasModes: Bool

  /// Makes the directory and its mark, and finds out what its file system can do.
  ///
  /// - Throws: `SystemCallError`; nothing is left behind.
  init(_ name: String, job: String, in parent: Int32) throws(SystemCallError) {
    self.name = name
    try check(unsafe clinux_mkdirat(parent, name, 0o700), .mkdir, name)
    do throws(SystemCallError) {
      directory = try openFile(name, in: parent, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    } catch {
      _ = unsafe clinux_unlinkat(parent, name, 1)
      throw error
    }
    do throws(SystemCallError) {
      _ = clinux_try_lock(directory.raw)
      // A default ACL of the parent may have opened it to others.
      hasModes = clinux_fchmod(directory.raw, 0o700) >= 0
      let mark = try Self.makeMark(job, in: directory.raw)
      try Self.requireOwn(directory.raw, mark.raw, name)
      self.mark = consume mark
      means = try TargetMeans(tryingIn: directory.raw)
    } catch {
      StagingLeftovers.empty(directory.raw)
      _ = unsafe clinux_unlinkat(parent, name, 1)
      throw error
    }
  }

  /// Valid as long as this object lives.
  var raw: Int32 { directory.raw }

  /// Removes the place with all that is in it, the mark last: what dies on the way stays ours.
  func remove(from parent: Int32) throws(SystemCallError) {
    // FUSE hides what is removed while it is open, and keeps it in the directory.
    mark = nil
    try StagingLeftovers.remove(name, directory.raw, from: parent)
  }

  private static func makeMark(
    _ job: String, in directory: Int32
  ) throws(SystemCallError) -> OwnedDescriptor {
    let name = StagingMark.fileName
    let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW
    let file = try openFile(name, in: directory, flags: flags, mode: 0o600)
    // Where there are no locks, only the process tells whether the job lives.
    let isLocked = clinux_try_lock(file.raw) >= 0
    try file.writeAll(StagingMark(job: job, isLocked: isLocked).bytes, subject: name)
    try file.sync(subject: name)
    return file
  }

  /// Where others may rename, another's directory may have come into the place of ours: its owner
  /// is then not the one that the file system gives to what we make.
  private static func requireOwn(
    _ directory: Int32, _ mark: Int32, _ name: String
  ) throws(SystemCallError) {
    let outer = try FileStatus(descriptor: directory, subject: name)
    let inner = try FileStatus(descriptor: mark, subject: name)
    guard outer.owner == inner.owner else {
      throw SystemCallError(.open, subject: name, code: ESTALE)
    }
  }
}
