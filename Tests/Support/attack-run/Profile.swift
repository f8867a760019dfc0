import Glibc
import Sandbox

/// What stands between an attack and its goal.
enum Profile: String, CaseIterable {
  case none
  case staticPlugin = "static"
  case dynamicPlugin = "dynamic"
  case withoutLandlock = "static-without-landlock"
  case withoutNamespaces = "static-without-namespaces"
  /// A program that a shell script starts.
  case commands
  case commandsWithoutLandlock = "commands-without-landlock"
  case script
  case scriptWithoutLandlock = "script-without-landlock"
  case scriptWithoutNamespaces = "script-without-namespaces"

  /// Whether the attacker runs under a user of its own.
  var isMapped: Bool { self != .none && geteuid() == 0 }

  private var isOfCommands: Bool { self == .commands || self == .commandsWithoutLandlock }

  func policy(for attacker: borrowing Attacker) -> SandboxPolicy {
    let resources = PluginResources(fileBytes: 1 << 30)
    if let profile = attacker.profile, let folder = attacker.folderRule {
      return .interpretedPlugin(profile, folder: folder, resources, grant: .writableDirectory)
    }
    if isOfCommands {
      return .commandPlugin(attacker.commands, resources, grant: .writableDirectory)
    }
    return self == .dynamicPlugin
      ? .dynamicPlugin(resources, grant: .writableDirectory)
      : .staticPlugin(resources, grant: .writableDirectory)
  }

  var missing: SandboxLayers {
    switch self {
    case .none, .staticPlugin, .dynamicPlugin, .commands, .script: []
    case .withoutLandlock, .commandsWithoutLandlock, .scriptWithoutLandlock: .landlock
    case .withoutNamespaces, .scriptWithoutNamespaces: .allNamespaces
    }
  }
}
