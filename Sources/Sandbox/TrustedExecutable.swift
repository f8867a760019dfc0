internal import CLinux
internal import Glibc
package import System

private let pathOnly: Int32 = 0o10000000  // O_PATH, which the Glibc module hides

/// Opens a program that nobody but root and the caller can have changed; see
/// ``openTrustedFile(_:)``.
package func openTrustedExecutable(_ path: String) throws(SandboxError) -> OwnedDescriptor {
  let file = try openTrustedFile(path)
  guard try look(file, path).permissions & 0o111 != 0 else {
    throw .untrusted(path: path, because: .notExecutable)
  }
  if ProgramAccess.isOnNoexec(file.raw) { throw .cannotRun(path: path, .noexec) }
  return file
}

/// The same of a plugin, which under root runs as another user.
package func openPluginExecutable(_ path: String) throws(SandboxError) -> OwnedDescriptor {
  let file = try openTrustedExecutable(path)
  let permissions = try look(file, path).permissions
  guard geteuid() != 0 || permissions & 0o001 != 0 else {
    throw .untrusted(path: path, because: .notExecutableByOthers)
  }
  return file
}

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
  guard path.hasPrefix("/"), let slash = path.lastIndex(of: "/") else {
    throw .untrusted(path: path, because: .notAbsolute)
  }
  let name = String(path[path.index(after: slash)...])
  let directories = try resolved(slash == path.startIndex ? "/" : String(path[..<slash]))
  var directory = try openDirectory("/", in: currentDirectory, path: "/")
  var walked = ""
  for part in directories.split(separator: "/") {
    walked += "/" + part
    directory = try openDirectory(String(part), in: directory.raw, path: walked)
  }
  let descriptor = unsafe clinux_openat(directory.raw, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0)
  if descriptor == -ELOOP { throw .untrusted(path: path, because: .symbolicLink) }
  let file = try system { () throws(SystemCallError) in
    OwnedDescriptor(adopting: try check(descriptor, .open, path))
  }
  let status = try look(file, path)
  guard status.kind == .regular else { throw .untrusted(path: path, because: .notRegular) }
  try judge(status, path: path, isSticky: false)
  return file
}

private func openDirectory(
  _ name: String, in parent: Int32, path: String
) throws(SandboxError) -> OwnedDescriptor {
  let directory = try system { () throws(SystemCallError) in
    try openFile(name, in: parent, flags: pathOnly | O_NOFOLLOW | O_DIRECTORY)
  }
  let status = try look(directory, path)
  guard status.kind == .directory else { throw .untrusted(path: path, because: .notDirectory) }
  try judge(status, path: path, isSticky: status.permissions & 0o1000 != 0)
  return directory
}

private func look(
  _ file: borrowing OwnedDescriptor, _ path: String
) throws(SandboxError) -> FileStatus {
  let raw = file.raw
  return try system { () throws(SystemCallError) in
    try FileStatus(descriptor: raw, subject: path)
  }
}

private func judge(_ status: FileStatus, path: String, isSticky: Bool) throws(SandboxError) {
  guard status.owner == 0 || status.owner == geteuid() else {
    throw .untrusted(path: path, because: .foreignOwner)
  }
  guard status.permissions & 0o022 == 0 || isSticky else {
    throw .untrusted(path: path, because: .writableByOthers)
  }
}

/// The path without symbolic links (realpath(3)).
private func resolved(_ path: String) throws(SandboxError) -> String {
  guard let real = unsafe clinux_realpath(path) else {
    throw .system(SystemCallError(.open, subject: path, code: errno))
  }
  defer { unsafe free(real) }
  return unsafe nameText(cString: real)
}
