internal import Glibc
internal import System

/// A plugin that an interpreter runs: its script, and the folder that it lies in, which its sandbox
/// shows.
package struct PluginScript: ~Copyable {
  /// Absolute path of the script, without symbolic links.
  package let path: String
  private let folder: OwnedDescriptor
  private let folderPath: String

  /// Files and directories of a script's folder, at most.
  static let entriesMax = 4096
  /// Directories that are nested in it, at most.
  static let depthMax = 16

  /// Opens the folder of a script, after a look at all that is in it.
  ///
  /// Whatever lies beside a script can be read by it, and run as a part of it. So each file must be
  /// one that nobody but root and the caller can have changed, and that is no secret: everybody
  /// may read it.
  ///
  /// - Parameter path: Absolute; links in its directories are followed, the script is no link.
  /// - Throws: `.untrusted` naming what is not as it should be; `.notScript` if it is a program.
  package init(_ path: String) throws(SandboxError) {
    let found = try TrustedFile(path)
    if case .program = try ProgramKind(found.file.raw, path) { throw .notScript(path) }
    let status = try look(found.directory.raw, found.directoryPath)
    guard found.directoryPath != "/", !status.isWritableByOthers else {
      throw .untrusted(path: path, because: .sharedFolder)
    }
    try Self.requireReadable(status, found.directoryPath)
    var left = Self.entriesMax
    try Self.check(found.directory.raw, found.directoryPath, depth: 0, &left)
    self.path = found.path
    folderPath = found.directoryPath
    folder = found.directory
  }

  /// What its sandbox shows of the folder. Valid as long as this value lives.
  package var folderRule: PathRule { .file(folder.raw, named: folderPath, .read) }

  private static func check(
    _ directory: Int32, _ path: String, depth: Int, _ left: inout Int
  ) throws(SandboxError) {
    guard depth <= depthMax else { throw .untrusted(path: path, because: .crowdedFolder) }
    let names = try system { () throws(SystemCallError) in
      try listNames(in: directory, atMost: left + 1)
    }
    left -= names.count
    guard left >= 0 else { throw .untrusted(path: path, because: .crowdedFolder) }
    for name in names {
      let inside = path + "/" + name.text
      let status = try system { () throws(SystemCallError) in try FileStatus(name, in: directory) }
      // In the sandbox a link leads to nothing that is not visible anyway.
      if status.kind == .link { continue }
      try judge(status, inside)
      try requireReadable(status, inside)
      guard status.kind == .directory else { continue }
      let below = try system { () throws(SystemCallError) in
        try openFile(name, in: directory, flags: pathOnly | O_NOFOLLOW | O_DIRECTORY)
      }
      try check(below.raw, inside, depth: depth + 1, &left)
    }
  }

  private static func requireReadable(_ status: FileStatus, _ path: String) throws(SandboxError) {
    let (needed, kind): (UInt32, FileStatus.Kind) =
      status.kind == .directory ? (0o005, .directory) : (0o004, .regular)
    guard status.kind == kind else { throw .untrusted(path: path, because: .notRegular) }
    guard status.permissions & needed == needed else {
      throw .untrusted(path: path, because: .notReadableByAll)
    }
  }
}
