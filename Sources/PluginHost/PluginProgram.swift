internal import BackupProtocol
package import Sandbox
package import System

/// What is started for a plugin, opened: its executable, or the interpreter of its script.
package struct PluginProgram: ~Copyable {
  package let executable: OwnedDescriptor
  /// What it is started with; the first is its own name.
  package let arguments: [String]
  /// What the sandbox of a script shows of its folder; valid as long as ``script`` lives.
  package let folderRule: PathRule?
  package let script: PluginScript?

  /// - Throws: What is wrong with it, or with its manifest.
  package init(_ plugin: InstalledPlugin) throws(SandboxError) {
    let manifest = plugin.manifest
    guard let profile = manifest.profile.interpreterProfile, let path = manifest.interpreter else {
      executable = try openPluginExecutable(
        plugin.executable, isDynamic: manifest.profile == .dynamic)
      arguments = [plugin.executable]
      folderRule = nil
      script = nil
      return
    }
    let script = try PluginScript(plugin.executable)
    executable = try profile.open(path)
    arguments = [path] + profile.arguments + [script.path]
    folderRule = script.folderRule
    self.script = consume script
  }
}

extension Manifest.Profile {
  /// How scripts of the profile are run; `nil` where the executable is a program.
  var interpreterProfile: InterpreterProfile? {
    switch self {
    case .static, .dynamic: nil
    case .python: .python
    case .perl: .perl
    }
  }
}
