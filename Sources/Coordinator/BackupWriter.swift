internal import BackupProtocol
internal import PluginHost
internal import SharedPool
internal import System

/// One output while the job runs: its plugin, and the place where its archive grows.
final class BackupWriter {
  let output: BackupPlan.Output
  let staging: StagingPlace
  /// Where the host's own receipt grows; `nil` where the plugin writes it into its directory.
  let receiptPlace: StagingPlace?
  let session: PluginSession

  /// Makes the staging places and starts the plugin.
  ///
  /// The receipt's place is made now: a name that is taken must not be found out when hours of
  /// copying are over.
  ///
  /// - Throws: `JobError`; nothing is left behind.
  init(
    _ output: BackupPlan.Output, plan: BackupPlan, request: BackupRequest, pool: SharedPool,
    surroundings: Surroundings
  ) throws(JobError) {
    self.output = output
    do throws(PublishingError) {
      staging = try StagingPlace(target: output.path, kind: output.kind, id: plan.id)
      receiptPlace =
        output.writesOwnReceipt
        ? nil : try StagingPlace(receiptOf: output.path, id: plan.id)
    } catch {
      throw JobError(error, doing: "preparing \(output.path)")
    }
    session = try Self.start(output, plan, request, pool, staging, surroundings)
    let events = surroundings.events
    session.handlers.notice = { events(.warning($0)) }
    session.handlers.storedBytes = { [staging] in staging.storedBytes() }
  }

  /// The plugin goes first, then its staging place.
  deinit { session.end() }

  private static func start(
    _ output: BackupPlan.Output, _ plan: BackupPlan, _ request: BackupRequest, _ pool: SharedPool,
    _ staging: StagingPlace, _ surroundings: Surroundings
  ) throws(JobError) -> PluginSession {
    let job = Job(
      id: plan.id, mode: .write, format: output.chosen.format.name, vm: plan.machine,
      instant: plan.instant, output: output.kind, options: output.options, streams: plan.streams)
    let starter = PluginStarter(
      plugin: output.chosen.plugin, label: output.label, job: job, pool: pool,
      sharesMemory: request.sharesMemory, stallLimit: request.stallLimit,
      surroundings: surroundings)
    let starting = "starting plugin \"\(output.label)\""
    try doing(starting) { () throws(SystemCallError) in try staging.giveToPlugin() }
    return try starter.start(
      pool: try doing(starting) { () throws(SystemCallError) in try pool.readOnlyDescriptor() },
      archive: try doing(starting) { () throws(SystemCallError) in
        try staging.descriptorForPlugin()
      })
  }
}
