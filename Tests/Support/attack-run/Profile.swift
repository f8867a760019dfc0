import Glibc
import Sandbox

/// What stands between an attack and its goal.
enum Profile: String, CaseIterable {
  case none
  case staticPlugin = "static"
  case dynamicPlugin = "dynamic"
  case withoutLandlock = "static-without-landlock"
  case withoutNamespaces = "static-without-namespaces"
  case script
  case scriptWithoutLandlock = "script-without-landlock"
  case scriptWithoutNamespaces = "script-without-namespaces"

  /// Whether the attacker runs under a user of its own.
  var isMapped: Bool { self != .none && geteuid() == 0 }

  func policy(for attacker: borrowing Attacker) -> SandboxPolicy {
    let resources = PluginResources(fileBytes: 1 << 30)
    if let profile = attacker.profile, let folder = attacker.folderRule {
      return .interpretedPlugin(profile, folder: folder, resources, grant: .writableDirectory)
    }
    return self == .dynamicPlugin
      ? .dynamicPlugin(resources, grant: .writableDirectory)
      : .staticPlugin(resources, grant: .writableDirectory)
  }

  var missing: SandboxLayers {
    switch self {
    case .none, .staticPlugin, .dynamicPlugin, .script: []
    case .withoutLandlock, .scriptWithoutLandlock: .landlock
    case .withoutNamespaces, .scriptWithoutNamespaces: .allNamespaces
    }
  }
}
