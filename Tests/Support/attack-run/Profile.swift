import Glibc
import Sandbox

/// What stands between an attack and its goal.
enum Profile: String, CaseIterable {
  case none
  case staticPlugin = "static"
  case dynamicPlugin = "dynamic"
  case withoutLandlock = "static-without-landlock"
  case withoutNamespaces = "static-without-namespaces"

  /// Whether the attacker runs under a user of its own.
  var isMapped: Bool { self != .none && geteuid() == 0 }

  var policy: SandboxPolicy {
    let resources = PluginResources(fileBytes: 1 << 30)
    return self == .dynamicPlugin
      ? .dynamicPlugin(resources, grant: .writableDirectory)
      : .staticPlugin(resources, grant: .writableDirectory)
  }

  var missing: SandboxLayers {
    switch self {
    case .none, .staticPlugin, .dynamicPlugin: []
    case .withoutLandlock: .landlock
    case .withoutNamespaces: .allNamespaces
    }
  }
}
