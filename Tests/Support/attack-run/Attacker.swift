import Sandbox
import System

/// The hostile plugin: a program, or a script with its interpreter.
struct Attacker: ~Copyable {
  /// The interpreter's profile; `nil` for a program.
  let profile: InterpreterProfile?
  /// What is executed, and what it is executed with before the name of the attack.
  let words: [String]
  /// What its sandbox shows of its folder; valid as long as this value lives.
  let folderRule: PathRule?
  /// What it is shown, as a program that a shell script starts.
  let commands: CommandPaths
  private let script: PluginScript?
  private let shown: PluginCommands

  init(_ path: String) throws {
    let shown = try PluginCommands(
      shell: InterpreterProfile.shell.program, ["/usr/bin/cat"], manifest: path)
    let commands = CommandPaths(programs: shown.programs)
    guard let profile = Self.profile(of: path) else {
      (profile, words, folderRule) = (nil, [path], nil)
      (self.commands, self.shown) = (commands, shown)
      script = nil
      return
    }
    let script = try PluginScript(path)
    (self.commands, self.shown) = (commands, shown)
    self.profile = profile
    words = [profile.program] + profile.arguments + [script.path]
    folderRule = script.folderRule
    self.script = consume script
  }

  /// Opened as a host does.
  func open() throws -> OwnedDescriptor {
    guard let profile else { return try openTrustedExecutable(words[0]) }
    return try profile.open(words[0])
  }

  private static func profile(of path: String) -> InterpreterProfile? {
    if path.hasSuffix(".py") { return .python }
    return path.hasSuffix(".pl") ? .perl : nil
  }
}
