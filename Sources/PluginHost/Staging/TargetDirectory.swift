internal import CLinux
internal import Glibc
internal import System

/// The directory in which an archive will appear: looked up once, and held from then on.
struct TargetDirectory: ~Copyable {
  /// As the user wrote it.
  let path: String
  private let file: OwnedDescriptor
  private let status: FileStatus

  init(_ path: String) throws(SystemCallError) {
    let file = try openFile(path, flags: O_RDONLY | O_DIRECTORY)
    status = try FileStatus(descriptor: file.raw, subject: path)
    self.path = path
    self.file = file
  }

  /// Valid as long as this value lives.
  var raw: Int32 { file.raw }

  /// Whether a user other than root and the caller may rename and remove what is in it.
  ///
  /// In a sticky directory only a file's owner may, and the directory's own.
  var isSharedWithOthers: Bool {
    if status.owner != 0 && status.owner != geteuid() { return true }
    guard status.permissions & 0o1000 == 0 else { return false }
    return status.permissions & 0o002 != 0 || (status.permissions & 0o020 != 0 && status.group != 0)
  }

  /// Takes the lock by which jobs that begin at once take turns, for as long as it is kept.
  ///
  /// Whoever can open the directory can hold it: it is waited for a moment, and done without.
  ///
  /// - Returns: `nil` if it could not be had.
  func turn() -> OwnedDescriptor? {
    guard let turn = try? openFile(".", in: raw, flags: O_RDONLY | O_DIRECTORY) else { return nil }
    for attempt in 0..<10 {
      if clinux_try_lock(turn.raw) >= 0 { return turn }
      if attempt < 9 { usleep(20_000) }
    }
    return nil
  }

  /// Refuses a name that something has already.
  ///
  /// - Parameter replaces: A regular file may have it.
  func refuseExisting(_ name: String, unlessFile replaces: Bool) throws(SystemCallError) {
    do throws(SystemCallError) {
      let found = try FileStatus(path: name, in: raw)
      if replaces && found.kind == .regular { return }
    } catch {
      if error.code == ENOENT { return }
      throw error
    }
    throw SystemCallError(.rename, subject: name, code: EEXIST)
  }

  /// Makes names that were given or taken away durable.
  func sync() throws(SystemCallError) {
    let result = clinux_fsync(raw)
    // CIFS and some FUSE file systems cannot sync a directory by itself.
    try check(result == -EINVAL ? clinux_syncfs(raw) : result, .fsync, path)
  }

  /// Where the directory is now, if its path leads elsewhere by now.
  var newPath: String? {
    if let found = try? openFile(path, flags: O_RDONLY | O_DIRECTORY),
      let now = try? FileStatus(descriptor: found.raw, subject: path), now.isSameFile(as: status)
    {
      return nil
    }
    return (try? realPath("/proc/self/fd/\(raw)")) ?? "a directory that has been removed"
  }
}

extension FileStatus {
  /// Whether both are of one file.
  func isSameFile(as other: FileStatus) -> Bool {
    device == other.device && inode == other.inode
  }
}
