internal import BackupProtocol
package import Sandbox
package import System

/// What is started for a plugin, opened: its executable, or the interpreter of its script.
package struct PluginProgram: ~Copyable {
  package let executable: OwnedDescriptor
  /// What it is started with; the first is its own name.
  package let arguments: [String]
  /// What the sandbox of a script shows; valid as long as this value lives.
  package let script: ScriptPaths?
  private let folder: PluginScript?
  private let commands: PluginCommands?

  /// - Parameter launcher: Path of `sluice-launcher`, beside which the program lies that speaks for
  ///   shell scripts.
  /// - Throws: What is wrong with it, or with its manifest.
  package init(_ plugin: InstalledPlugin, launcher: String) throws(SandboxError) {
    let manifest = plugin.manifest
    guard let path = manifest.interpreter else {
      executable = try openPluginExecutable(
        plugin.executable, isDynamic: manifest.profile == .dynamic)
      arguments = [plugin.executable]
      (script, commands) = (nil, nil)
      folder = nil
      return
    }
    let folder = try PluginScript(plugin.executable)
    if let profile = manifest.profile.interpreterProfile {
      executable = try profile.open(path)
      arguments = [path] + profile.arguments + [folder.path]
      script = .interpreted(profile, folder: folder.folderRule)
      commands = nil
    } else {
      let commands = try PluginCommands(plugin, shell: path)
      let adapter = splitPath(launcher).directory + "/" + shellAdapterName
      executable = try openPluginExecutable(adapter, isDynamic: false)
      arguments = [adapter, path, folder.path, commands.manifest.name]
      script = .commands(
        CommandPaths(read: [folder.folderRule, commands.manifest], programs: commands.programs))
      self.commands = commands
    }
    self.folder = consume folder
  }

  /// Whether a plugin could be started: as ``init(_:launcher:)``, of the plugin's own files alone.
  package static func check(_ plugin: InstalledPlugin) throws(SandboxError) {
    let manifest = plugin.manifest
    guard let path = manifest.interpreter else {
      _ = try openPluginExecutable(plugin.executable, isDynamic: manifest.profile == .dynamic)
      return
    }
    _ = try PluginScript(plugin.executable)
    if let profile = manifest.profile.interpreterProfile {
      _ = try profile.open(path)
    } else {
      _ = try PluginCommands(plugin, shell: path)
    }
  }
}

/// What the sandbox of a script shows, and how the script is run.
package enum ScriptPaths: Sendable {
  case interpreted(InterpreterProfile, folder: PathRule)
  /// By a shell; the script starts programs.
  case commands(CommandPaths)
}

/// The program that speaks the protocol for a plugin that is a shell script.
private let shellAdapterName = "sluice-plugin-sh"

extension PluginCommands {
  fileprivate convenience init(
    _ plugin: InstalledPlugin, shell: String
  ) throws(SandboxError) {
    try self.init(shell: shell, plugin.manifest.commands, manifest: plugin.manifestPath)
  }
}

extension Manifest.Profile {
  /// How a script of the profile is run that is the plugin itself; `nil` for others.
  fileprivate var interpreterProfile: InterpreterProfile? {
    switch self {
    case .static, .dynamic, .commands: nil
    case .python: .python
    case .perl: .perl
    }
  }
}
