internal import Glibc

/// What a writer gets as its output (or a reader as its input), descriptor 6.
package enum SandboxGrant: Sendable, Equatable {
  /// A file, a pipe or nothing: no path can be opened at all.
  case file
  /// A directory below which files can be made, written and removed.
  case writableDirectory
  /// A directory below which files can be read.
  case readableDirectory
}

/// What a plugin may take of the machine; from its manifest and the job.
package struct PluginResources: Sendable, Equatable {
  /// Bytes of private memory.
  package var memoryBytes: UInt64
  /// Threads, the first one included.
  package var threads: UInt64
  /// Bytes of the pool, which it maps.
  package var poolBytes: UInt64
  /// Longest file it may make, in bytes, holes included; `nil` is no limit.
  package var fileBytes: UInt64?

  package init(
    memoryBytes: UInt64 = 256 << 20, threads: UInt64 = 1, poolBytes: UInt64 = 16 << 20,
    fileBytes: UInt64? = nil
  ) {
    self.memoryBytes = memoryBytes
    self.threads = threads
    self.poolBytes = poolBytes
    self.fileBytes = fileBytes
  }
}

extension ResourceLimits {
  init(_ resources: PluginResources) {
    let threads = max(1, min(resources.threads, 256))
    let stacks = threads * (8 << 20)
    let data = resources.memoryBytes &+ stacks
    // Each thread's malloc arena reserves 64 MiB of addresses.
    let reserved = data &+ threads * (64 << 20) &+ (64 << 20)
    self.init(
      addressSpaceBytes: reserved &+ resources.poolBytes, dataBytes: data,
      fileBytes: resources.fileBytes, processes: max(64, threads + 8))
  }
}

extension SandboxPolicy {
  /// For a plugin that is one static executable: strict from its first instruction, an empty file
  /// system but for descriptor 6, no process, no network, no code that was not in the executable.
  package static func staticPlugin(
    _ resources: PluginResources, grant: SandboxGrant
  ) -> SandboxPolicy {
    var policy = SandboxPolicy(
      name: "static",
      rules: startRules + threadRules + memoryRules + noNewCodeRules + ioRules + softRules
        + grantRules(grant),
      limits: ResourceLimits(resources))
    policy.paths = grantPaths(grant)
    return policy
  }
}
