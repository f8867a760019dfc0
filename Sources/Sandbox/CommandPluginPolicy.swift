/// What a plugin of the profile `commands` is shown beside the libraries: open files, each by name.
package struct CommandPaths: Sendable {
  /// Its script's folder and its manifest, to read.
  package var read: [PathRule] = []
  /// The shell and the programs that the manifest lists, to execute.
  package var programs: [PathRule] = []

  package init(read: [PathRule] = [], programs: [PathRule] = []) {
    self.read = read
    self.programs = programs
  }
}

extension SandboxPolicy {
  /// Where scripts find an archive that is a directory: their working directory.
  package static let archiveName = "/archive"

  /// For a plugin that is a shell script: it may start the programs that its manifest lists.
  ///
  /// All that it starts is in the same sandbox, behind the same filter. The filter sees no paths:
  /// what can be executed, and what written to, is decided by mounts and Landlock. A PID namespace
  /// ends every process with the plugin and keeps signals inside, so without one it is not started.
  package static func commandPlugin(
    _ paths: CommandPaths, _ resources: PluginResources, grant: SandboxGrant
  ) -> SandboxPolicy {
    var policy = SandboxPolicy(
      name: InterpreterProfile.shell.name,
      rules: startRules + threadRules + memoryRules + ioRules + libraryRules + processRules
        + commandFileRules + commandGrantRules(grant) + commandSoftRules,
      limits: ResourceLimits(resources))
    policy.limits.addressSpaceBytes? += libraryAddressBytes
    policy.paths =
      InterpreterProfile.shell.places.map(\.rule) + paths.programs + paths.read
      + archivePaths(grant)
    policy.requiredLayers = [.pidNamespace, .mountNamespace]
    return policy
  }

  private static func archivePaths(_ grant: SandboxGrant) -> [PathRule] {
    switch grant {
    case .file: []
    case .readableDirectory: [.inherited(6, .read, named: archiveName)]
    case .writableDirectory: [.inherited(6, [.read, .write], named: archiveName)]
    }
  }
}
