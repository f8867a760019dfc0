/// How hard a missing layer of the sandbox is taken.
package enum SandboxMode: String, Sendable {
  /// Runs with what the kernel has, as long as the mandatory layers stand.
  case auto
  /// Refuses when any wanted layer is missing.
  case strict
}

/// Whose rights the process has.
package enum SandboxIdentity: Sendable, Equatable {
  /// A user and a group of its own when the caller is root; an ordinary caller's own.
  case mapped(user: UInt32, group: UInt32)
  /// The caller's, without capabilities but those kept.
  case keep
  /// As ``keep``, where one of its own is wanted and cannot be had: a missing layer.
  case callers

  /// The first of the ids that ``PluginUser`` chooses from.
  package static let plugin = SandboxIdentity.mapped(
    user: PluginUser.candidates.lowerBound, group: PluginUser.candidates.lowerBound)
}

/// What a process may do: data, with a reason for each system call.
package struct SandboxPolicy: Sendable, Equatable {
  /// For messages: `static`, `dynamic`, `storage daemon`.
  package var name: String
  /// Everything that no rule allows or answers is denied and reported.
  package var rules: [SyscallRule]
  package var limits: ResourceLimits
  /// Where in the file system it may go; without one, nowhere.
  package var paths: [PathRule] = []
  package var identity: SandboxIdentity = .plugin
  /// Namespaces to make; a missing one is a missing layer.
  package var namespaces: SandboxLayers = .allNamespaces
  /// Layers without which it is not started, whatever the mode.
  package var requiredLayers: SandboxLayers = []
  /// Whether it sees an empty root with ``paths`` in it instead of the caller's file system.
  package var hasNewRoot = true
  /// Whether the new root has a read-only `/proc` of the process's own; libdispatch needs one.
  package var hasPrivateProc = false
  /// Whether memory can never become executable after being writable (PR_SET_MDWE).
  package var refusesExecGain = true
  /// Capabilities it keeps when the caller is root, as a bit mask of their numbers.
  package var keptCapabilities: UInt64 = 0

  package init(name: String, rules: [SyscallRule], limits: ResourceLimits) {
    self.name = name
    self.rules = rules
    self.limits = limits
  }
}

extension SandboxPolicy {
  /// CAP_DAC_READ_SEARCH: reads any file, for disk images that belong to other users.
  package static let readAnyFile: UInt64 = 1 << 2
}
