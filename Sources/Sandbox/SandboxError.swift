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
  /// The interpreter that a plugin's manifest names.
  case interpreter(String, InterpreterFault)
  /// A program that a plugin's manifest lists.
  case command(String, CommandFault)
  /// An executable that is a script, though its manifest names no interpreter.
  case script(String, line: String)
  /// An executable that needs libraries, though its manifest says that it is static.
  case dynamic(String)
  /// An executable that is no script, though its manifest names an interpreter.
  case notScript(String)

  /// What is wrong with a path.
  package enum Distrust: Sendable, Equatable {
    case notAbsolute, notRegular, notDirectory, symbolicLink, foreignOwner, writableByOthers
    case notExecutable, notExecutableByOthers
    /// A library of an interpreter.
    case notRoots
    /// A script's folder, which is shown to it, or what is in it.
    case sharedFolder, crowdedFolder, notReadableByAll
  }

  /// Why a plugin's interpreter is not started.
  package enum InterpreterFault: Sendable, Equatable {
    case missing(package: String)
    /// Not one that the profile runs.
    case unknown(profile: String, expected: String)
  }

  /// Why a program that a plugin's script starts is not shown to it.
  package enum CommandFault: Sendable, Equatable {
    case missing
    case script(line: String)
  }
}

extension SandboxError {
  /// Whether a plugin's manifest says something else than its executable.
  package var isOfProfile: Bool {
    switch self {
    case .script, .dynamic, .notScript, .interpreter(_, .unknown), .command(_, .script): true
    default: false
    }
  }

  /// Whether a plugin's interpreter, or a program that it starts, is not installed.
  package var isMissingInterpreter: Bool {
    switch self {
    case .interpreter(_, .missing), .command(_, .missing): true
    default: false
    }
  }

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
    case .interpreter(let path, .missing(let package)):
      "its interpreter \(path) is not installed: install it (Debian: apt install \(package))"
    case .interpreter(let path, .unknown(let profile, let expected)):
      "its interpreter \(path) is not one that the profile \"\(profile)\" runs: write "
        + "\"interpreter\": \"\(expected)\" into its manifest"
    case .command(let path, .missing):
      "\(path), which its manifest lists in \"commands\", is not installed: install it"
    case .command(let path, .script(let line)):
      "\(path), which its manifest lists in \"commands\", is a script (\(line)): list the programs "
        + "that it runs, and have the plugin do what it does"
    case .script(let path, let line):
      "\(path) is a script (\(line)): \(InterpreterProfile.advice(for: line))"
    case .dynamic(let path):
      "\(path) is linked dynamically: write \"profile\": \"dynamic\" into its manifest"
    case .notScript(let path):
      "\(path) is a program and no script: leave \"interpreter\" and \"profile\" out of its "
        + "manifest, or write \"profile\": \"dynamic\""
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
    case .notRoots: "is not owned by root: an interpreter would run code from it"
    case .sharedFolder:
      "is in a folder that is not its own: its sandbox shows the whole folder, so give it one"
    case .crowdedFolder:
      "holds more than \(PluginScript.entriesMax) files: a script's sandbox shows its whole "
        + "folder, so give the script one of its own"
    case .notReadableByAll:
      "is not readable by all users: it is shown to the script in its folder, so move it away or "
        + "chmod go+rX it"
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
