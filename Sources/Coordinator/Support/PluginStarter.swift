package import BackupProtocol
package import PluginHost
package import Sandbox
package import SharedPool
package import System

/// What a plugin's start needs, in write and in read mode.
package struct PluginStarter {
  private let plugin: InstalledPlugin
  private let label: String
  private let job: Job
  private let pool: SharedPool
  private let sharesMemory: Bool
  private let stallLimit: Double
  private let surroundings: Surroundings

  /// - Parameters:
  ///   - label: How messages name the plugin: the output's label, or the format.
  ///   - sharesMemory: Whether the plugin may use the pool; else data goes through its pipes.
  ///   - stallLimit: Seconds without progress after which it is given up.
  package init(
    plugin: InstalledPlugin, label: String, job: Job, pool: SharedPool, sharesMemory: Bool,
    stallLimit: Double, surroundings: Surroundings
  ) {
    self.plugin = plugin
    self.label = label
    self.job = job
    self.pool = pool
    self.sharesMemory = sharesMemory
    self.stallLimit = stallLimit
    self.surroundings = surroundings
  }

  /// Starts the plugin and greets it; whether it could be started shows in the result.
  ///
  /// - Parameters:
  ///   - pool: Descriptor 5, opened as the mode of the job allows.
  ///   - archive: Descriptor 6.
  ///   - identity: Whose rights a writer has.
  ///   - scratch: Descriptor 8, if the job says so.
  package func start(
    pool descriptor: consuming OwnedDescriptor, archive: consuming OwnedDescriptor,
    identity: SandboxIdentity = .plugin, scratch: consuming ScratchFile? = nil
  ) throws(JobError) -> PluginSession {
    let grants = PluginGrants(
      pool: descriptor, poolBytes: pool.shape.byteCount, archive: archive, kind: job.output,
      mode: job.mode, identity: identity, scratch: scratch)
    do throws(PluginFailure) {
      let process = try PluginProcess(
        plugin, label: label, grants: grants, sandbox: surroundings.sandbox,
        launcher: surroundings.launcher)
      return PluginSession(
        label: label, job: job, hello: hello, manifest: plugin.manifest,
        patience: patience, process: process, pool: pool,
        listeners: surroundings.listeners)
    } catch {
      throw JobError(error)
    }
  }

  /// A reader has nothing to clean up, and may be in the middle of a hole of 8 PiB: after an abort
  /// it is not waited for.
  private var patience: PluginSession.Patience {
    var patience = PluginSession.Patience(stallLimit: stallLimit)
    if job.mode != .write { (patience.abort, patience.aborted) = (0.5, 0.5) }
    return patience
  }

  private var hello: Hello {
    var features: [String] = sharesMemory ? [Feature.sharedMemory.rawValue] : []
    switch job.mode {
    case .write: features.append(Feature.map.rawValue)
    case .read: features.append(Feature.randomRead.rawValue)
    case .verify: break
    }
    features.append(Grease.feature())
    return Hello(
      features: features, slotCount: UInt32(pool.shape.slotCount),
      slotBytes: UInt32(pool.shape.slotBytes), hostName: "sluice", hostVersion: ownVersion)
  }
}
