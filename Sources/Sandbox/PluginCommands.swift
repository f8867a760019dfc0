internal import Glibc
internal import System

/// The programs that a plugin of the profile `commands` may start, opened, and what else it is
/// shown by its name.
package final class PluginCommands: Sendable {
  /// An open file, in a list of them.
  private final class HeldFile: Sendable {
    private let file: OwnedDescriptor
    var raw: Int32 { file.raw }

    init(_ file: consuming OwnedDescriptor) { self.file = file }
  }

  /// Of what the sandbox shows beside the folder; valid as long as this value lives.
  package let programs: [PathRule]
  package let manifest: PathRule
  private let held: [HeldFile]

  /// Opens the shell, the programs of the list and the manifest.
  ///
  /// - Parameters:
  ///   - shell: As the manifest has it.
  ///   - list: Absolute paths.
  ///   - manifest: Path of the plugin's manifest.
  /// - Throws: `.interpreter` or `.command` if one is missing or cannot be; `.untrusted` naming
  ///   what others could change.
  package init(
    shell: String, _ list: [String], manifest: String
  ) throws(SandboxError) {
    let shown = HeldFile(try InterpreterProfile.shell.open(shell))
    var held = [shown]
    var programs = [PathRule.file(shown.raw, named: shell, [.read, .execute])]
    for path in list where path != shell {
      let file = HeldFile(try Self.open(path))
      programs.append(.file(file.raw, named: path, [.read, .execute]))
      held.append(file)
    }
    let real = try system { () throws(SystemCallError) in try realPath(manifest) }
    let file = HeldFile(try openTrustedFile(real))
    held.append(file)
    self.manifest = .file(file.raw, named: real, .read)
    self.programs = programs
    self.held = held
  }

  private static func open(_ path: String) throws(SandboxError) -> OwnedDescriptor {
    guard let real = try? realPath(path) else { throw .command(path, .missing) }
    let file = try openTrustedExecutable(real)
    if case .script(let line) = try ProgramKind(file.raw, path) {
      throw .command(path, .script(line: line))
    }
    return file
  }
}
