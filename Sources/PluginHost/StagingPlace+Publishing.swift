internal import BackupProtocol
internal import CLinux
internal import Glibc
internal import System

extension StagingPlace {
  /// Files and directories that a published archive may have.
  static let objectsMax = 100_000
  /// Directories within each other that a published archive may have.
  static let depthMax = 16

  /// Makes the archive durable and gives it its final name, which it has whole or not at all.
  ///
  /// Everything the plugin left is walked without following links: only plain files and
  /// directories with one name are accepted, they are handed to the caller's user, closed to
  /// others and synced, each directory and the parent too.
  ///
  /// - Throws: `PublishingError`; the staging place stays, to be discarded.
  package func publish() throws(PublishingError) {
    do throws(SystemCallError) {
      if kind == .directory {
        var walked = 0
        try walk(place.raw, depth: 0, &walked)
      } else {
        try takeOver(place.raw, isDirectory: false, stagingName)
      }
      try rename()
      settled()
      try parent.sync(subject: target)
    } catch {
      switch error.code {
      case EEXIST where error.call == .rename: throw .exists(target)
      case EMLINK, ELOOP, ENXIO: throw .foreignObject(error.subject)
      case E2BIG: throw .tooManyFiles(Self.objectsMax)
      case ENAMETOOLONG: throw .tooDeep(Self.depthMax)
      default: throw .system(error)
      }
    }
  }

  private func walk(_ directory: Int32, depth: Int, _ walked: inout Int) throws(SystemCallError) {
    for name in try listNames(in: directory) {
      walked += 1
      guard walked <= Self.objectsMax else {
        throw SystemCallError(.open, subject: name.text, code: E2BIG)
      }
      guard depth <= Self.depthMax else {
        throw SystemCallError(.open, subject: name.text, code: ENAMETOOLONG)
      }
      let opened = try openLeftover(name, in: directory, flags: 0)
      let status = try FileStatus(descriptor: opened.raw, subject: name.text)
      switch status.kind {
      case .directory: try walk(opened.raw, depth: depth + 1, &walked)
      case .regular where status.linkCount == 1:
        try takeOver(opened.raw, isDirectory: false, name.text)
      default: throw SystemCallError(.open, subject: name.text, code: EMLINK)
      }
    }
    try takeOver(directory, isDirectory: true, targetName)
  }

  private func takeOver(
    _ descriptor: Int32, isDirectory: Bool, _ name: String
  ) throws(SystemCallError) {
    if geteuid() == 0 { try check(clinux_fchown(descriptor, getuid(), getgid()), .fchown, name) }
    try check(clinux_fchmod(descriptor, isDirectory ? 0o700 : 0o600), .fchmod, name)
    try check(clinux_fsync(descriptor), .fsync, name)
  }

  private func rename() throws(SystemCallError) {
    guard !replaces else {
      try check(
        unsafe clinux_rename(parent.raw, stagingName, parent.raw, targetName), .rename, target)
      return
    }
    let result = unsafe clinux_rename_no_replace(
      parent.raw, stagingName, parent.raw, targetName)
    // Filesystems without RENAME_NOREPLACE: a second name never replaces one either.
    if result == -EINVAL && kind != .directory {
      try check(
        unsafe clinux_linkat(parent.raw, stagingName, parent.raw, targetName), .rename, target)
      try check(unsafe clinux_unlinkat(parent.raw, stagingName, 0), .unlink, stagingName)
      return
    }
    try check(result, .rename, target)
  }
}

extension StagingPlace {
  /// Writes a small staging file of the host's own.
  package func fill(_ bytes: [UInt8]) throws(PublishingError) {
    var failure: SystemCallError?
    unsafe bytes.withUnsafeBytes { buffer in
      do throws(SystemCallError) {
        try unsafe place.writeAll(buffer, at: 0, subject: target)
      } catch { failure = error }
    }
    if let failure { throw .system(failure) }
  }

  /// Takes back a file that was published a moment ago, because what it belongs to was not.
  package func withdraw() throws(PublishingError) {
    do throws(SystemCallError) {
      try check(unsafe clinux_unlinkat(parent.raw, targetName, 0), .unlink, target)
    } catch {
      throw .system(error)
    }
  }
}
