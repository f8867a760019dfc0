internal import BackupProtocol
internal import JobSupport
internal import PluginHost
internal import Pump
internal import Requests
internal import Sandbox
internal import SharedPool
internal import System

/// One output while the job runs: its plugin, and the place where its archive goes.
final class BackupWriter {
  let output: BackupPlan.Output
  let session: PluginSession
  private let place: any ArchivePlace
  private let savedReceipt: String?

  /// Prepares the archive's place and starts the plugin.
  ///
  /// - Throws: `JobError`; nothing is left behind.
  init(
    _ output: BackupPlan.Output, plan: BackupPlan, request: BackupRequest, pool: SharedPool,
    surroundings: Surroundings, stop: StopSignal
  ) throws(JobError) {
    self.output = output
    savedReceipt = request.savedReceipt
    let place = try Self.place(output, plan, request, surroundings, stop)
    self.place = place
    session = try Self.start(output, plan, request, pool, place, surroundings)
    let events = surroundings.events
    session.handlers.refusal = { place.refusal($0) }
    session.handlers.notice = { events(.warning($0)) }
    session.handlers.storedBytes = { place.storedBytes() }
  }

  /// The plugin goes first, then its place.
  deinit { session.end() }

  private static func place(
    _ output: BackupPlan.Output, _ plan: BackupPlan, _ request: BackupRequest,
    _ surroundings: Surroundings, _ stop: StopSignal
  ) throws(JobError) -> any ArchivePlace {
    let identity = PluginUser(launcher: surroundings.launcher).identity()
    guard case .path(let name) = output.place else {
      return try StreamedArchive(
        output, id: plan.id, request: request, surroundings, identity: identity, stop: stop)
    }
    return try StagedArchive(
      output, path: name.text, id: plan.id, identity: identity,
      isSharedWanted: request.sharesTarget,
      events: surroundings.events)
  }

  private static func start(
    _ output: BackupPlan.Output, _ plan: BackupPlan, _ request: BackupRequest, _ pool: SharedPool,
    _ place: any ArchivePlace, _ surroundings: Surroundings
  ) throws(JobError) -> PluginSession {
    var job = Job(
      id: plan.id, mode: .write, format: output.chosen.format.name, vm: plan.machine,
      instant: plan.instant, output: output.kind, options: output.options, streams: plan.streams,
      machine: plan.description)
    (job.level, job.parent) = (plan.level, plan.parent(of: output))
    let starter = PluginStarter(
      plugin: output.chosen.plugin, label: output.label, job: job, pool: pool,
      sharesMemory: request.sharesMemory, stallLimit: request.stallLimit,
      surroundings: surroundings)
    let starting = "start plugin \"\(output.label)\""
    return try starter.start(
      pool: try attempt(starting) { () throws(SystemCallError) in try pool.readOnlyDescriptor() },
      archive: try attempt(starting) { () throws(SystemCallError) in
        try place.descriptorForPlugin()
      }, identity: place.identity)
  }

  /// Gives the archive to whom it is for, if all went well.
  ///
  /// - Throws: `JobError`; then nothing of this output is left that could be taken back.
  func publish(
    _ plan: BackupPlan, _ summaries: [StreamSummary]
  ) throws(JobError) -> OutputReport {
    let finished = try whole()
    let sent = SentBytes(
      logical: summaries.reduce(0) { $0 + $1.size }, data: summaries.reduce(0) { $0 + $1.dataBytes }
    )
    try place.publish(finished, of: sent, receipt: makeReceipt(plan, summaries))
    return OutputReport(
      label: output.label, path: output.place.text, storedBytes: finished.storedBytes,
      receipt: output.place.isStream ? savedReceipt : nil)
  }

  private func whole() throws(JobError) -> Finished {
    switch session.outcome {
    case .finished(let finished): return finished
    case .failed(let failure): throw place.explained(failure)
    case nil:
      throw JobError(.software, "plugin \"\(output.label)\" did not exit")
    }
  }

  private func makeReceipt(_ plan: BackupPlan, _ summaries: [StreamSummary]) -> Receipt {
    Receipt(
      job: plan.id, format: output.chosen.format.name, instant: plan.instant, vm: plan.machine,
      tools: [
        "sluice \(ownVersion)",
        "\(session.manifest.name) \(session.manifest.version)",
      ],
      plugin: Receipt.Plugin(
        name: session.manifest.name, version: session.manifest.version,
        vendor: session.manifest.vendor),
      level: plan.level, parent: plan.parent(of: output),
      streams: zip(plan.streams, summaries).map { stream, summary in
        Receipt.Stream(stream, size: summary.size, digest: summary.digest)
      })
  }
}
