package import System

/// Why no sandboxed process could be started. What happens to one that runs is a ``SandboxEvent``.
package enum SandboxError: Error, Equatable, Sendable {
  /// A call to the kernel failed; nothing was started.
  case system(SystemCallError)
  /// The executable, or a directory above it, could be changed by another user.
  case untrusted(path: String, because: Distrust)
  /// A policy names a system call that libseccomp does not know.
  case unknownCall(String)
  /// libseccomp refuses a rule or the whole filter, with its errno.
  case filter(policy: String, call: String, code: Int32)
  /// A command the launcher would refuse: too many arguments, a NUL in one, a wrong descriptor.
  case invalidCommand(String)
  /// A program of this installation, or a plugin's, that is there and may not be run.
  case cannotRun(path: String, ProgramAccess)
  /// The launcher needs descriptors of higher numbers than the process may have.
  case descriptorLimit(Int, needed: Int)

  /// What is wrong with a path.
  package enum Distrust: Sendable, Equatable {
    case notAbsolute, notRegular, notDirectory, symbolicLink, foreignOwner, writableByOthers
    case notExecutable, notExecutableByOthers
  }
}

extension SandboxError {
  /// Whether the caller's limits are in the way, and not this installation.
  package var isLimit: Bool { if case .descriptorLimit = self { true } else { false } }
}

extension SandboxError: CustomStringConvertible {
  /// Cause, then remedy; for people.
  package var description: String {
    switch self {
    case .system(let error): error.description
    case .untrusted(let path, let reason): "\(path) \(reason.text)"
    case .unknownCall(let name): "libseccomp does not know the system call \(name)"
    case .filter(let policy, let call, let code):
      "cannot build the system call filter of \(policy) at \(call): \(errnoText(code))"
    case .invalidCommand(let reason): "cannot start a sandboxed program: \(reason)"
    case .cannotRun(let path, let access): "\(path) \(access.complaint): \(access.advice)"
    case .descriptorLimit(let limit, let needed):
      "the limit on open files is \(limit), but a sandbox needs \(needed): raise it (ulimit -n "
        + "\(needed), or LimitNOFILE=\(needed) of the systemd unit)"
    }
  }
}

extension SandboxError.Distrust {
  fileprivate var text: String {
    switch self {
    case .notAbsolute: "is not an absolute path"
    case .notRegular: "is not a regular file"
    case .notDirectory: "is not a directory"
    case .symbolicLink: "is a symbolic link: specify the file itself"
    case .foreignOwner: "is owned by neither root nor you: chown it"
    case .writableByOthers: "is writable by other users: chmod go-w it"
    case .notExecutable: "is not executable: chmod +x it"
    case .notExecutableByOthers:
      "is not executable by the user that plugins of root run as: chmod go+rx it"
    }
  }
}

/// Turns a failed system call into the error of this module.
func system<Value: ~Copyable>(
  _ body: () throws(SystemCallError) -> Value
) throws(SandboxError)
  -> Value
{
  do { return try body() } catch { throw .system(error) }
}
