internal import BackupProtocol
internal import CLinux
internal import Glibc
internal import System

/// Staging places in a directory whose jobs may be over.
///
/// Only what has exactly our form and our mark is touched, under the mark's lock, and no link is
/// followed. Under root too, nothing goes that its owner could not have removed.
enum StagingLeftovers {
  /// A staging place that was found, and its lock.
  struct Found: ~Copyable {
    let name: String
    let target: String
    let directory: OwnedDescriptor
    var lock: OwnedDescriptor?
    let mark: StagingMark
  }

  /// Removes what dead jobs of this machine left, whatever archives they were to make.
  ///
  /// - Parameter holdsTurn: No other job of this machine begins at this moment.
  static func removeOrphans(in parent: Int32, holdsTurn: Bool) {
    for name in names(in: parent) {
      if var found = find(name, in: parent) {
        if found.mark.isOfDeadJob { try? remove(&found, from: parent) }
      } else if holdsTurn {
        removeUnbegun(name, in: parent)
      }
    }
  }

  /// Names of our form.
  static func names(in parent: Int32) -> [String] {
    ((try? listDirectory(".", in: parent)) ?? []).filter { StagingName.parse($0) != nil }
  }

  /// Looks at a name of our form.
  ///
  /// - Returns: `nil` if it is no staging place, or one whose job holds its lock.
  static func find(_ name: String, in parent: Int32) -> Found? {
    guard let (target, id) = StagingName.parse(name),
      let directory = try? openFile(name, in: parent, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
      let mark = StagingMark.read(in: directory.raw), mark.job == id,
      let lock = openLock(in: directory.raw)
    else { return nil }
    return Found(name: name, target: target, directory: directory, lock: lock, mark: mark)
  }

  /// NFS locks only what is open for writing.
  private static func openLock(in place: Int32) -> OwnedDescriptor? {
    let flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK
    guard let file = try? openFile(StagingMark.fileName, in: place, flags: flags),
      clinux_try_lock(file.raw) != -EWOULDBLOCK
    else { return nil }
    return file
  }

  /// Removes a place that was found, and the receipt of an archive that never got its name.
  static func remove(_ found: inout Found, from parent: Int32) throws(SystemCallError) {
    withdrawReceipt(found, from: parent)
    // FUSE keeps what is open. Who takes the lock now finds the same dead job, and removes it too.
    found.lock = nil
    try remove(found.name, found.directory.raw, from: parent)
  }

  /// A job gives the receipt its name first. One that died then has left a receipt of nothing.
  private static func withdrawReceipt(_ found: borrowing Found, from parent: Int32) {
    let name = StagingPlace.receiptTarget(found.target)
    guard (try? FileStatus(path: StagingPlace.archiveName, in: found.directory.raw)) != nil,
      isAbsent(found.target, in: parent),
      let bytes = try? readSmallFile(
        name, in: parent, limit: Receipt.byteCountMax, flags: O_NOFOLLOW | O_NONBLOCK),
      let receipt = try? Receipt(parsing: bytes), receipt.job == found.mark.job
    else { return }
    _ = unsafe clinux_unlinkat(parent, name, 0)
  }

  private static func isAbsent(_ name: String, in parent: Int32) -> Bool {
    do throws(SystemCallError) { _ = try FileStatus(path: name, in: parent) } catch {
      return error.code == ENOENT
    }
    return false
  }

  /// A job that was killed between its first two calls left an empty directory, or an empty mark
  /// in it. On file systems of several machines another may just be about to fill it.
  private static func removeUnbegun(_ name: String, in parent: Int32) {
    let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
    guard let directory = try? openFile(name, in: parent, flags: flags),
      let status = try? FileStatus(descriptor: directory.raw, subject: name),
      status.owner == geteuid(), clinux_try_lock(directory.raw) >= 0,
      isSurelyUnbegun(directory.raw, status),
      let names = try? listDirectory(".", in: directory.raw), names.count <= 1
    else { return }
    if names == [StagingMark.fileName] {
      guard let mark = try? FileStatus(path: names[0], in: directory.raw), mark.size == 0,
        let lock = openLock(in: directory.raw)
      else { return }
      _ = unsafe clinux_unlinkat(directory.raw, names[0], 0)
      withExtendedLifetime(lock.raw) {}
    }
    // Removes an empty directory only.
    _ = unsafe clinux_unlinkat(parent, name, 1)
  }

  private static func isSurelyUnbegun(_ directory: Int32, _ status: FileStatus) -> Bool {
    let kind = FileSystemKind(descriptor: directory)
    let isShared =
      kind?.isFUSE == true
      ? !Mount(of: directory).isLocal : kind?.isUsedByOtherMachines ?? true
    return !isShared || Int64(time(nil)) - status.modified > 3600
  }

  /// Removes a place: what is in it, then its mark, then itself, if the name still leads to it.
  static func remove(
    _ name: String, _ directory: Int32, from parent: Int32
  ) throws(SystemCallError) {
    var result: Int32 = -ENOTEMPTY
    // A FUSE file system may hear late of what was closed, and hide it until then.
    for attempt in 0..<20 where result == -ENOTEMPTY {
      if attempt > 0 { usleep(20_000) }
      try emptyAllButMark(directory)
      let mark = unsafe clinux_unlinkat(directory, StagingMark.fileName, 0)
      if mark != -ENOENT { try check(mark, .unlink, StagingMark.fileName) }
      let held = try FileStatus(descriptor: directory, subject: name)
      guard let named = try? FileStatus(path: name, in: parent), named.isSameFile(as: held) else {
        return
      }
      result = unsafe clinux_unlinkat(parent, name, 1)
    }
    try check(result, .unlink, name)
  }

  /// Removes what is in a place that could not be finished, as far as can be.
  static func empty(_ directory: Int32) {
    try? emptyAllButMark(directory)
    _ = unsafe clinux_unlinkat(directory, StagingMark.fileName, 0)
  }

  private static func emptyAllButMark(_ directory: Int32) throws(SystemCallError) {
    let mark = FileName(StagingMark.fileName)
    for name in try listNames(in: directory) where name != mark {
      let isDirectory = try FileStatus(name, in: directory).kind == .directory
      if isDirectory {
        let opened = try openLeftover(name, in: directory, flags: O_DIRECTORY)
        _ = clinux_fchmod(opened.raw, 0o700)
        var removal = TreeRemoval(root: opened.raw)
        try removal.run()
      }
      try name.unlink(in: directory, isDirectory: isDirectory)
    }
  }
}
