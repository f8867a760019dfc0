internal import BackupProtocol
internal import PluginHost
internal import Pump
internal import SharedPool
internal import System

/// One run of a reader plugin over an archive: what `list`, `verify` and `restore` share.
struct ReadJob {
  let archive: Archive
  let surroundings: Surroundings
  let stop: StopSignal
  /// Whether this is what the user waits for.
  var showsProgress = true

  /// Runs the plugin; blocks until it is gone.
  ///
  /// - Throws: `JobError` if it cannot be started, or the lane or the plugin failed.
  func run(
    _ mode: Job.Mode, doing name: String, _ plan: ReadLane.Plan
  ) throws(JobError) -> JobReport {
    let started = MonotonicTime.now
    try archive.chosen.require(mode)
    let slotCount = max(16, Int(archive.chosen.plugin.manifest.slotCountMin))
    let pool = try attempt("allocate the pool") { () throws(SystemCallError) in
      try SharedPool(PoolShape(slotCount: slotCount), name: "sluice-read-pool")
    }
    let session = try start(mode, pool)
    let progress = LaneProgress()
    let (surroundings, stop) = (surroundings, stop)
    session.handlers.notice = { surroundings.events(.warning($0)) }
    let lane = try attempt("start reading") { () throws(SystemCallError) in
      try ReadLane(
        session: session, pool: pool, digestThreads: digestThreadCount(), progress: progress,
        stop: stop)
    }
    if showsProgress { surroundings.events(.started(progress)) }
    let outcome = lane.run(plan)
    try judge(session, outcome)
    var report = JobReport(doing: name)
    report.streams = outcome.summaries
    report.proof = proof(outcome.summaries, session)
    report.helperCPUSeconds = session.cpuSeconds
    report.seconds = MonotonicTime.now.seconds(since: started)
    return report
  }

  private func start(_ mode: Job.Mode, _ pool: SharedPool) throws(JobError) -> PluginSession {
    let needsScratch = archive.chosen.plugin.manifest.needs.contains(.scratch)
    let job = Job(
      id: makeJobIdentifier(), mode: mode, format: archive.chosen.format.name,
      output: archive.kind, scratch: needsScratch ? ScratchFile.descriptor : nil)
    let starter = PluginStarter(
      plugin: archive.chosen.plugin, label: archive.chosen.format.name, job: job, pool: pool,
      sharesMemory: true, stallLimit: surroundings.readerStallLimit, surroundings: surroundings)
    let starting = "start plugin \"\(archive.chosen.format.name)\""
    return try starter.start(
      pool: try attempt(starting) { () throws(SystemCallError) in try pool.writableCopy() },
      archive: try attempt(starting) { () throws(SystemCallError) in try archive.open() },
      scratch: needsScratch ? try makeScratch() : nil)
  }

  private func makeScratch() throws(JobError) -> ScratchFile {
    let directory = surroundings.scratchDirectory
    do throws(SystemCallError) { return try ScratchFile(in: directory) } catch {
      throw JobError(
        .cannotCreate, cannot: "create a scratch file in \(directory)", errnoText(error.code),
        hint: "choose another directory with --scratch-dir")
    }
  }

  private func proof(_ streams: [StreamSummary], _ session: PluginSession) -> Proof? {
    if streams.isEmpty { return nil }
    if ReceiptCheck(receipt: archive.receipt).proves(streams) { return .receipt }
    return session.finished?.isProven == true
      ? .format(plugin: archive.chosen.plugin.manifest.name) : Proof.none
  }

  /// The plugin's own failure explains more than the lane's.
  private func judge(_ session: PluginSession, _ outcome: ReadLane.Outcome) throws(JobError) {
    if case .failed(let failure) = session.outcome {
      if case .aborted = failure.cause, let lane = outcome.failure { throw JobError(lane) }
      throw JobError(failure)
    }
    if let failure = outcome.failure { throw JobError(failure) }
  }
}
