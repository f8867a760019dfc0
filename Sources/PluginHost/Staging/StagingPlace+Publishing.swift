internal import BackupProtocol
internal import CLinux
internal import Glibc
internal import System

extension StagingPlace {
  /// Files and directories that a published archive may have.
  static let objectsMax = 100_000
  /// Directories within each other that a published archive may have.
  static let depthMax = 16

  /// Makes the archive durable and gives it its final name, which it has complete or not at all.
  ///
  /// Whatever wrote to it has ended. What it left is walked without following links: only plain
  /// files and directories with one name are accepted, they become the caller's, closed to others,
  /// and no process may have one of them open for writing. Files, directories and the parent are
  /// synced.
  ///
  /// - Parameter receipt: Gets its name first: an archive that can be seen can be verified.
  /// - Parameter access: Of the file that is replaced; else the archive is the caller's alone.
  /// - Throws: `PublishingError`; the staging place stays, to be discarded. With `.notSynced` the
  ///   archive and its receipt have their names.
  package func publish(
    receipt: [UInt8]? = nil, access: FileAccess? = nil
  ) throws(PublishingError) {
    precondition((receipt != nil) == hasReceipt, "the place of a receipt was made at the start")
    do throws(SystemCallError) {
      if kind == .directory {
        var walked = 0
        try walk(archive.raw, depth: 0, &walked)
      } else {
        try takeOver(archive.raw, mode: 0o600, targetName)
        try access?.give(to: archive.raw, targetName)
        try finishFile(archive.raw, targetName)
      }
      try closeArchive()
      if let receipt { try fill(receipt) }
      // Where a directory cannot be synced, this is known before anything has a name.
      try directory.sync()
      if hasReceipt { try publishReceipt() }
    } catch {
      throw Self.publishingError(error, target)
    }
    do throws(SystemCallError) {
      try rename(
        archive.raw, Self.archiveName, targetName + suffix, isFile: kind != .directory,
        replaces && suffix.isEmpty)
    } catch {
      if hasReceipt { withdrawReceipt() }
      throw Self.publishingError(error, target)
    }
    settle()
    do throws(SystemCallError) { try directory.sync() } catch { throw .notSynced(target, error) }
  }

  /// Where the archive is, if the directory was renamed while the job ran.
  package var newPath: String? { directory.newPath.map { $0 + "/" + targetName } }

  private static func publishingError(_ error: SystemCallError, _ target: String) -> PublishingError
  {
    switch error.code {
    case EEXIST where error.call == .rename: .exists(target)
    case EAGAIN where error.call == .lease: .stillWritten(error.subject)
    case ESTALE where error.call == .rename: .exchanged(target)
    case EMLINK, ELOOP, ENXIO: .foreignObject(error.subject)
    case E2BIG: .tooManyFiles(objectsMax)
    case ENAMETOOLONG where error.call == .open: .tooDeep(depthMax)
    default: .system(error)
    }
  }
}

// What the plugin left, made the caller's.
extension StagingPlace {
  private func walk(_ directory: Int32, depth: Int, _ walked: inout Int) throws(SystemCallError) {
    // First the directory: from then on no one else changes what is in it.
    try takeOver(directory, mode: 0o700, targetName)
    for name in try listNames(in: directory) {
      walked += 1
      guard walked <= Self.objectsMax else {
        throw SystemCallError(.open, subject: name.text, code: E2BIG)
      }
      guard depth <= Self.depthMax else {
        throw SystemCallError(.open, subject: name.text, code: ENAMETOOLONG)
      }
      let opened = try openLeftover(name, in: directory, flags: 0)
      switch try FileStatus(descriptor: opened.raw, subject: name.text).kind {
      case .directory: try walk(opened.raw, depth: depth + 1, &walked)
      case .regular:
        let isProgram = depth == 0 && programs.contains(name.text)
        try takeOver(opened.raw, mode: isProgram ? 0o700 : 0o600, name.text)
        try finishFile(opened.raw, name.text)
      default: throw SystemCallError(.open, subject: name.text, code: EMLINK)
      }
    }
    try check(clinux_fsync(directory), .fsync, targetName)
  }

  private func takeOver(
    _ descriptor: Int32, mode: UInt32, _ name: String
  ) throws(SystemCallError) {
    if geteuid() == 0 {
      let result = clinux_fchown(descriptor, getuid(), getgid())
      // Of what only the host wrote the owner is right already.
      if !Self.meansNoOwners(result) || (isLent && hasOwners) { try check(result, .fchown, name) }
    }
    let result = clinux_fchmod(descriptor, mode)
    if Self.meansNoOwners(result) && !room.hasModes { return }
    try check(result, .fchmod, name)
  }

  /// A file of the caller's own: looked at, proven to have no writer, and made durable.
  private func finishFile(_ descriptor: Int32, _ name: String) throws(SystemCallError) {
    guard try FileStatus(descriptor: descriptor, subject: name).linkCount == 1 else {
      throw SystemCallError(.open, subject: name, code: EMLINK)
    }
    if isLent && room.means.hasLeases {
      try check(clinux_prove_unwritten(descriptor), .lease, name)
    }
    try check(clinux_fsync(descriptor), .fsync, name)
  }
}

// What the host itself writes, and the final names.
extension StagingPlace {
  /// Fills a staging file that no plugin was given.
  package func write(_ bytes: [UInt8]) throws(PublishingError) {
    do throws(SystemCallError) {
      try descriptorForPlugin().writeAll(bytes, subject: target)
    } catch { throw .system(error) }
  }

  private func fill(_ receipt: [UInt8]) throws(SystemCallError) {
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
    let file = try openFile(Self.receiptName, in: room.raw, flags: flags, mode: 0o600)
    try file.writeAll(receipt, subject: Self.receiptName)
    try file.sync(subject: Self.receiptName)
  }

  private func publishReceipt() throws(SystemCallError) {
    let name = Self.receiptTarget(targetName)
    let pathOnly: Int32 = 0o10000000
    let file = try openFile(Self.receiptName, in: room.raw, flags: pathOnly | O_NOFOLLOW)
    // After that FUSE may know it under its new name only.
    let meant = try FileStatus(descriptor: file.raw, subject: name)
    try rename(file.raw, Self.receiptName, name, isFile: true, false)
    receipt = meant
    do throws(SystemCallError) { try directory.sync() } catch {
      withdrawReceipt()
      throw error
    }
  }

  /// Takes back the receipt that got its name a moment ago, because its archive did not.
  private func withdrawReceipt() {
    let name = Self.receiptTarget(targetName)
    guard let receipt, let named = try? FileStatus(path: name, in: directory.raw),
      named.isSameFile(as: receipt)
    else { return }
    _ = unsafe clinux_unlinkat(directory.raw, name, 0)
  }

  /// Gives a name by the strongest means that the file system has, and looks whether it is the
  /// name of what was meant: in a directory that others may write, names are not to be trusted.
  private func rename(
    _ file: Int32, _ from: String, _ name: String, isFile: Bool, _ replaces: Bool
  ) throws(SystemCallError) {
    let meant = try FileStatus(descriptor: file, subject: name)
    guard try FileStatus(path: from, in: room.raw).isSameFile(as: meant) else {
      throw SystemCallError(.rename, subject: name, code: ESTALE)
    }
    if replaces {
      try plainRename(from, name)
    } else {
      try renameExclusively(from, name, isFile: isFile)
    }
    guard let named = try? FileStatus(path: name, in: directory.raw), named.isSameFile(as: meant)
    else { throw SystemCallError(.rename, subject: name, code: ESTALE) }
  }

  private func renameExclusively(
    _ from: String, _ name: String, isFile: Bool
  ) throws(SystemCallError) {
    switch room.means.naming {
    case .exclusiveRename:
      try check(
        unsafe clinux_rename_no_replace(room.raw, from, directory.raw, name), .rename, target)
    case .link where isFile:
      try check(unsafe clinux_linkat(room.raw, from, directory.raw, name), .rename, target)
      try check(unsafe clinux_unlinkat(room.raw, from, 0), .unlink, from)
    case .link, .lookAndRename:
      // Our own jobs take turns. A directory can only come into the place of an empty one.
      let turn = directory.turn()
      try directory.refuseExisting(name, unlessFile: false)
      try plainRename(from, name)
      try turn?.close()
    }
  }

  private func plainRename(_ from: String, _ name: String) throws(SystemCallError) {
    try check(unsafe clinux_rename(room.raw, from, directory.raw, name), .rename, target)
  }
}
