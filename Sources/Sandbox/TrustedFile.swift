internal import CLinux
internal import Glibc
package import System

/// Opens a program, or what says how to run one, that nobody but root and the caller can have
/// changed.
///
/// It must be a regular file, not a symbolic link; it and every directory above it must belong to
/// root or the caller and not be writable by group or others. A sticky directory such as `/tmp` may
/// be writable: in it users can replace only their own files.
///
/// - Parameter path: Absolute. Links in its directories are followed first; what they lead to is
///   what is checked.
/// - Throws: `.untrusted` naming the file or directory that is not; `.system` if it is missing.
package func openTrustedFile(_ path: String) throws(SandboxError) -> OwnedDescriptor {
  let found = try TrustedFile(path)
  return found.file
}

/// A file that nobody but root and the caller can have changed, and the directory that holds it.
struct TrustedFile: ~Copyable {
  let file: OwnedDescriptor
  /// Held, not opened (`O_PATH`).
  let directory: OwnedDescriptor
  /// Absolute, without symbolic links.
  let directoryPath: String
  let name: String

  var path: String { directoryPath == "/" ? "/\(name)" : "\(directoryPath)/\(name)" }

  /// As ``openTrustedFile(_:)``.
  init(_ path: String) throws(SandboxError) {
    guard path.hasPrefix("/"), let slash = path.lastIndex(of: "/") else {
      throw .untrusted(path: path, because: .notAbsolute)
    }
    let above = slash == path.startIndex ? "/" : String(path[..<slash])
    let found = try system { () throws(SystemCallError) in try realPath(above) }
    let directory = try openTrustedDirectory(found, judge)
    let name = String(path[path.index(after: slash)...])
    let descriptor = unsafe clinux_openat(
      directory.raw, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0)
    if descriptor == -ELOOP { throw .untrusted(path: path, because: .symbolicLink) }
    let file = try system { () throws(SystemCallError) in
      OwnedDescriptor(adopting: try check(descriptor, .open, path))
    }
    let status = try look(file.raw, path)
    guard status.kind == .regular else { throw .untrusted(path: path, because: .notRegular) }
    try judge(status, path)
    (self.name, directoryPath) = (name, found)
    self.directory = directory
    self.file = file
  }
}

/// Requires that a directory, and all above it, belong to root and that nobody else can change
/// them; one that is missing is no harm.
func requireRoots(_ path: String) throws(SandboxError) {
  guard let real = try? realPath(path) else { return }
  _ = try openTrustedDirectory(splitPath(real).directory, judgeRoots)
  let status = try system { () throws(SystemCallError) in try FileStatus(path: real) }
  try judgeRoots(status, real)
}

/// Opens a directory (`O_PATH`) after a look at it and at each one above it.
///
/// - Parameter path: Absolute, without symbolic links.
private func openTrustedDirectory(
  _ path: String, _ judge: (FileStatus, String) throws(SandboxError) -> Void
) throws(SandboxError) -> OwnedDescriptor {
  var directory = try openDirectory("/", in: currentDirectory, "/", judge)
  var walked = ""
  for part in path.split(separator: "/") {
    walked += "/" + part
    directory = try openDirectory(String(part), in: directory.raw, walked, judge)
  }
  return directory
}

private func openDirectory(
  _ name: String, in parent: Int32, _ path: String,
  _ judge: (FileStatus, String) throws(SandboxError) -> Void
) throws(SandboxError) -> OwnedDescriptor {
  let directory = try system { () throws(SystemCallError) in
    try openFile(name, in: parent, flags: pathOnly | O_NOFOLLOW | O_DIRECTORY)
  }
  let status = try look(directory.raw, path)
  guard status.kind == .directory else { throw .untrusted(path: path, because: .notDirectory) }
  try judge(status, path)
  return directory
}

func look(_ file: Int32, _ path: String) throws(SandboxError) -> FileStatus {
  try system { () throws(SystemCallError) in try FileStatus(descriptor: file, subject: path) }
}

/// Whether nobody but root and the caller can change a file, or replace what is in a directory.
func judge(_ status: FileStatus, _ path: String) throws(SandboxError) {
  guard status.owner == 0 || status.owner == geteuid() else {
    throw .untrusted(path: path, because: .foreignOwner)
  }
  guard !status.isWritableByOthers || status.isSticky else {
    throw .untrusted(path: path, because: .writableByOthers)
  }
}

private func judgeRoots(_ status: FileStatus, _ path: String) throws(SandboxError) {
  guard status.owner == 0 else { throw .untrusted(path: path, because: .notRoots) }
  guard !status.isWritableByOthers else {
    throw .untrusted(path: path, because: .writableByOthers)
  }
}

extension FileStatus {
  var isWritableByOthers: Bool { permissions & 0o022 != 0 }
  /// A directory in which users can replace only their own files.
  var isSticky: Bool { kind == .directory && permissions & 0o1000 != 0 }
}
