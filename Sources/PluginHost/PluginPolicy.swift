internal import BackupProtocol
internal import Sandbox
internal import System

extension SandboxPolicy {
  /// The sandbox of a plugin: what its manifest asks for, and what this job grants it.
  ///
  /// A writer runs under an id of its own. A reader runs as the owner of the archive, without any
  /// capability: an archive that only its owner may read stays readable, and nothing else does. All
  /// that it can write to is a scratch file, up to that file's limit.
  static func plugin(
    _ manifest: Manifest, grants: borrowing PluginGrants
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
      switch manifest.profile {
      case .static: SandboxPolicy.staticPlugin(resources, grant: grant)
      case .dynamic: SandboxPolicy.dynamicPlugin(resources, grant: grant)
      }
    if grants.mode != .write {
      let owner = try FileStatus(descriptor: grants.archive.raw, subject: "the archive")
      policy.identity = .mapped(user: owner.owner, group: owner.group)
    }
    return policy
  }
}
