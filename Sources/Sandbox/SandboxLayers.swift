internal import CLaunch

/// The layers a sandbox can have, each stopping attacks that others let through.
package struct SandboxLayers: OptionSet, Sendable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }
  private init(_ value: Int) { rawValue = UInt32(value) }

  package static let filter = SandboxLayers(LAUNCH_LAYER_FILTER)
  /// Denied calls are reported by name.
  package static let reports = SandboxLayers(LAUNCH_LAYER_REPORTS)
  package static let noNewPrivileges = SandboxLayers(LAUNCH_LAYER_NO_NEW_PRIVILEGES)
  package static let limits = SandboxLayers(LAUNCH_LAYER_LIMITS)
  package static let landlock = SandboxLayers(LAUNCH_LAYER_LANDLOCK)
  package static let landlockTruncate = SandboxLayers(LAUNCH_LAYER_LANDLOCK_TRUNCATE)
  package static let landlockNetwork = SandboxLayers(LAUNCH_LAYER_LANDLOCK_NETWORK)
  package static let landlockScopes = SandboxLayers(LAUNCH_LAYER_LANDLOCK_SCOPES)
  package static let userNamespace = SandboxLayers(LAUNCH_LAYER_USER_NAMESPACE)
  package static let mountNamespace = SandboxLayers(LAUNCH_LAYER_MOUNT_NAMESPACE)
  package static let pidNamespace = SandboxLayers(LAUNCH_LAYER_PID_NAMESPACE)
  package static let netNamespace = SandboxLayers(LAUNCH_LAYER_NET_NAMESPACE)
  package static let ipcNamespace = SandboxLayers(LAUNCH_LAYER_IPC_NAMESPACE)
  package static let utsNamespace = SandboxLayers(LAUNCH_LAYER_UTS_NAMESPACE)
  package static let cgroupNamespace = SandboxLayers(LAUNCH_LAYER_CGROUP_NAMESPACE)
  package static let refusesExecGain = SandboxLayers(LAUNCH_LAYER_REFUSE_EXEC_GAIN)
  /// Runs under a user id of its own; only root can give one.
  package static let ownUser = SandboxLayers(LAUNCH_LAYER_OWN_USER)

  package static let allNamespaces: SandboxLayers = [
    .userNamespace, .mountNamespace, .pidNamespace, .netNamespace, .ipcNamespace, .utsNamespace,
    .cgroupNamespace,
  ]
  package static let allLandlock: SandboxLayers = [
    .landlock, .landlockTruncate, .landlockNetwork, .landlockScopes,
  ]
}

extension SandboxLayers {
  private static let names: [(SandboxLayers, String)] = [
    (.filter, "system call filter"), (.reports, "reports of denied calls"),
    (.noNewPrivileges, "no_new_privs"), (.limits, "resource limits"), (.landlock, "Landlock"),
    (.landlockTruncate, "Landlock ABI 3 (truncate)"),
    (.landlockNetwork, "Landlock ABI 4 (network)"),
    (.landlockScopes, "Landlock ABI 6 (signals, abstract sockets)"),
    (.userNamespace, "user namespace"), (.mountNamespace, "mount namespace"),
    (.pidNamespace, "PID namespace"), (.netNamespace, "network namespace"),
    (.ipcNamespace, "IPC namespace"), (.utsNamespace, "UTS namespace"),
    (.cgroupNamespace, "cgroup namespace"), (.refusesExecGain, "PR_SET_MDWE"),
    (.ownUser, "separate user ID"),
  ]

  /// One name for people per layer of the set.
  package var descriptions: [String] {
    Self.names.filter { contains($0.0) }.map { $0.1 }
  }
}
