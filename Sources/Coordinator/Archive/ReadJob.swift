package import BackupProtocol
package import JobSupport
internal import PluginHost
package import Pump
internal import Requests
internal import SharedPool
package import System

/// One run of a reader plugin over an archive: what `list`, `verify` and `restore` share.
package struct ReadJob {
  package let archive: Archive
  let surroundings: Surroundings
  let stop: StopSignal
  /// What the user sees of a reading.
  package enum Shown { case nothing, progress, job }

  let shown: Shown
  /// Bytes of data a second, or `nil`.
  let rateLimit: UInt64?
  /// The parents of an increment; without them its streams have no bytes to be put anywhere.
  private let chain: ArchiveChain?
  /// The job's identifier.
  package let id = makeJobIdentifier()

  /// - Parameters:
  ///   - shown: Whether this is the job that the user waits for, or a part of it.
  ///   - chain: Of the archive, if bytes of it are wanted.
  package init(
    archive: Archive, chain: ArchiveChain? = nil, surroundings: Surroundings, stop: StopSignal,
    shows shown: Shown = .job, rateLimit: UInt64? = nil
  ) {
    self.archive = archive
    self.chain = chain
    self.surroundings = surroundings
    self.stop = stop
    self.shown = shown
    self.rateLimit = rateLimit
  }

  /// Runs the plugin, of an increment one for each archive of its chain; blocks until it is gone.
  ///
  /// - Throws: `JobError` if it cannot be started, or the lane or the plugin failed.
  package func run(
    _ mode: Job.Mode, doing name: String, _ plan: ReadLane.Plan
  ) throws(JobError) -> JobReport {
    guard let chain, !chain.parents.isEmpty else {
      return try runAlone(mode, doing: name, plan.refusingIncrements)
    }
    return try ChainRun(self, chain).run(doing: name, plan)
  }

  /// The same of this archive only.
  func runAlone(
    _ mode: Job.Mode, doing name: String, _ plan: ReadLane.Plan
  ) throws(JobError) -> JobReport {
    let started = MonotonicTime.now
    let salvages = plan.keepDamaged != nil
    let session = try open(mode, salvages: salvages)
    let lane = try attempt("start reading") { () throws(SystemCallError) in
      try ReadLane(session, digestThreads: digestThreads)
    }
    if shown != .nothing { surroundings.events(.started(session.progress)) }
    let outcome = lane.run(plan)
    let lateFailure = try judge(session, outcome, salvages: salvages)
    var report = report(of: session, doing: name, since: started)
    report.streams = outcome.summaries
    report.proof = lateFailure == nil ? proof(outcome.summaries, session.plugin) : Proof.none
    report.lateFailure = lateFailure
    return report
  }

  /// Starts the plugin.
  func open(_ mode: Job.Mode, salvages: Bool = false) throws(JobError) -> ArchiveSession {
    if shown == .job {
      surroundings.events(.began(job: id))
      surroundings.events(.named(machine: archive.receipt?.vm.name ?? ""))
    }
    try archive.chosen.require(mode)
    let slotCount = max(16, Int(archive.chosen.plugin.manifest.slotCountMin))
    let pool = try attempt("allocate the pool") { () throws(SystemCallError) in
      try SharedPool(
        PoolShape(slotCount: slotCount, slotBytes: slotBytes), name: "sluice-read-pool")
    }
    let plugin = try start(mode, pool, salvages: salvages)
    let surroundings = surroundings
    plugin.handlers.notice = { surroundings.events(.warning($0)) }
    return ArchiveSession(
      plugin, pool: pool, rateLimit: rateLimit, progress: LaneProgress(), stop: stop)
  }

  /// What a session that has ended has cost.
  func report(
    of session: ArchiveSession, doing name: String, since started: MonotonicTime
  ) -> JobReport {
    var report = JobReport(doing: name)
    report.archive = archive.path
    report.helperCPUSeconds = session.plugin.cpuSeconds
    report.seconds = MonotonicTime.now.seconds(since: started)
    return report
  }

  // An increment holds little, and up to 63 of them are read at once.

  private var isIncrement: Bool { archive.receipt?.parent != nil }
  private var slotBytes: Int { isIncrement ? 256 << 10 : 1 << 20 }
  private var digestThreads: Int { isIncrement ? 1 : digestThreadCount() }

  private func start(
    _ mode: Job.Mode, _ pool: SharedPool, salvages: Bool
  ) throws(JobError) -> PluginSession {
    let needsScratch = archive.chosen.plugin.manifest.needs.contains(.scratch)
    var job = Job(
      id: id, mode: mode, format: archive.chosen.format.name,
      output: archive.kind, scratch: needsScratch ? ScratchFile.descriptor : nil)
    job.salvages = salvages
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
        hint: .otherScratchDirectory)
    }
  }

  private func proof(_ streams: [StreamSummary], _ session: PluginSession) -> Proof? {
    if streams.isEmpty { return nil }
    if ReceiptCheck(receipt: archive.receipt).proves(streams) { return .receipt }
    return session.finished?.isProven == true
      ? .format(plugin: archive.chosen.plugin.manifest.name) : Proof.none
  }

  /// - Returns: In a salvage, what failed after all streams had come: the archive's end, or a
  ///   plugin that did not get there.
  private func judge(
    _ session: ArchiveSession, _ outcome: ReadLane.Outcome, salvages: Bool
  ) throws(JobError) -> String? {
    if salvages, outcome.hasAllStreams, outcome.failure?.isCancellation != true,
      case .failed(let failure) = session.plugin.outcome
    {
      return failure.description
    }
    if let error = failure(of: session, outcome.failure) { throw error }
    return nil
  }

  /// Why a session that has ended was no success; the plugin's own failure explains more than that
  /// of whoever used it.
  func failure(of session: ArchiveSession, _ failure: LaneFailure?) -> JobError? {
    // Ctrl-C reaches a plugin that is being started, too, and its end is of no consequence then.
    if let failure, failure.isCancellation { return JobError(failure) }
    if case .failed(let ending) = session.plugin.outcome {
      if case .aborted = ending.cause, let failure { return JobError(failure) }
      return JobError(ending)
    }
    return failure.map { JobError($0) }
  }
}

extension LaneFailure {
  fileprivate var isCancellation: Bool { if case .cancelled = self { true } else { false } }
}

extension ReadLane.Plan {
  /// Refuses to put what has no bytes of its own anywhere.
  fileprivate var refusingIncrements: ReadLane.Plan {
    var plan = self
    plan.target = { [target] stream, pool throws(LaneFailure) in
      guard let found = try target(stream, pool) else { return nil }
      guard !stream.isIncremental else {
        throw .archive(
          stream: stream.name, "is incremental, and no receipt says what it is an increment of")
      }
      return found
    }
    return plan
  }
}
