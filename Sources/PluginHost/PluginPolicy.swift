package import BackupProtocol
package import Sandbox
package import System

extension SandboxPolicy {
  /// The sandbox of a plugin: what its manifest asks for, and what this job grants it.
  ///
  /// A writer runs under the id that the job chose for it. A reader runs as the owner of the
  /// archive, without any capability: an archive that only its owner may read stays readable, and
  /// nothing else does. All that it can write to is a scratch file, up to that file's limit.
  ///
  /// - Parameter script: Of its ``PluginProgram``.
  package static func plugin(
    _ manifest: Manifest, script: ScriptPaths?, grants: borrowing PluginGrants
  ) throws(SystemCallError) -> SandboxPolicy {
    let resources = PluginResources(
      memoryBytes: manifest.memoryBytes, threads: manifest.threads + 1,
      poolBytes: UInt64(grants.poolBytes), fileBytes: grants.scratchBytesMax)
    let grant: SandboxGrant =
      switch (grants.kind, grants.mode) {
      case (.directory, .write): .writableDirectory
      case (.directory, _): .readableDirectory
      case (_, _): .file
      }
    var policy =
      switch script {
      case .interpreted(let profile, let folder):
        SandboxPolicy.interpretedPlugin(profile, folder: folder, resources, grant: grant)
      case .commands(let paths):
        SandboxPolicy.commandPlugin(paths, resources, grant: grant)
      case nil where manifest.profile == .dynamic:
        SandboxPolicy.dynamicPlugin(resources, grant: grant)
      case nil: SandboxPolicy.staticPlugin(resources, grant: grant)
      }
    if grants.mode == .write {
      policy.identity = grants.identity
    } else {
      let owner = try FileStatus(descriptor: grants.archive.raw, subject: "the archive")
      policy.identity = .ofOwner(owner)
    }
    return policy
  }
}

extension SandboxIdentity {
  /// Whoever owns a file; the caller's where its owner does not exist in this user namespace.
  static func ofOwner(_ file: FileStatus) -> SandboxIdentity {
    PluginUser.isMapped(file.owner) && PluginUser.isMapped(file.group)
      ? .mapped(user: file.owner, group: file.group) : .callers
  }
}
