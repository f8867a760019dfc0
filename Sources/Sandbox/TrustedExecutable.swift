internal import Glibc
package import System

/// Opens a program that nobody but root and the caller can have changed; see
/// ``openTrustedFile(_:)``.
package func openTrustedExecutable(_ path: String) throws(SandboxError) -> OwnedDescriptor {
  let file = try openTrustedFile(path)
  try requireExecutable(file.raw, path)
  return file
}

private func requireExecutable(_ file: Int32, _ path: String) throws(SandboxError) {
  guard try look(file, path).permissions & 0o111 != 0 else {
    throw .untrusted(path: path, because: .notExecutable)
  }
  if ProgramAccess.isOnNoexec(file) { throw .cannotRun(path: path, .noexec) }
}

/// The same of a plugin, which under root runs as another user.
///
/// - Parameter isDynamic: Whether its sandbox shows libraries.
/// - Throws: Besides, `.script` or `.dynamic` if it cannot run as its manifest says.
package func openPluginExecutable(
  _ path: String, isDynamic: Bool
) throws(SandboxError) -> OwnedDescriptor {
  let file = try openTrustedFile(path)
  // First: of a script its mode does not matter.
  switch try ProgramKind(file.raw, path) {
  case .script(let line): throw .script(path, line: line)
  case .program(isDynamic: true) where !isDynamic: throw .dynamic(path)
  case .program, .other: break
  }
  try requireExecutable(file.raw, path)
  let permissions = try look(file.raw, path).permissions
  guard geteuid() != 0 || permissions & 0o001 != 0 else {
    throw .untrusted(path: path, because: .notExecutableByOthers)
  }
  return file
}
