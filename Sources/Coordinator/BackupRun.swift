internal import BackupProtocol
internal import BlockSource
internal import Glibc
internal import PluginHost
internal import Pump
internal import SharedPool
internal import Synchronization
internal import System

/// One backup from a source to published archives; blocks.
///
/// staging places → plugins → lane → source sound → receipts → publish. Each step leaves nothing
/// behind when a later one fails: staging places and plugins end with their owners.
struct BackupRun {
  let request: BackupRequest
  let surroundings: Surroundings
  let stop: StopSignal
  /// What the user asked for, in a word.
  var doing = "backup"
  let progress = LaneProgress()

  /// - Throws: `JobError` when not every output could be published; with status `.partial` some
  ///   were, and the events name them. The source may still have to be stopped.
  func run(
    _ plan: BackupPlan, _ pool: SharedPool, _ source: some BackupSource
  ) throws(JobError) -> JobReport {
    var writers: [BackupWriter] = []
    for output in plan.outputs {
      writers.append(
        try BackupWriter(
          output, plan: plan, request: request, pool: pool, surroundings: surroundings,
          stop: stop))
    }
    let outcome = try pump(plan, source, writers, pool)
    // Without writers each of them tells for itself what became of it.
    if let failure = outcome.failure, !failure.isNoWriters { throw source.explained(failure) }
    try source.requireSound(outcome.summaries)
    var report = try conclude(plan, writers, outcome)
    report.disks = zip(plan.streams, source.streams).compactMap { description, stream in
      description.kind == .disk
        ? DiskReport(name: description.name, allocatedBytes: stream.allocatedBytes) : nil
    }
    report.helperCPUSeconds += source.stop()
    return report
  }

  /// The memory of a job.
  static func pool(_ shape: PoolShape) throws(JobError) -> SharedPool {
    do { return try SharedPool(shape, name: "sluice-pool") } catch {
      throw JobError(error, cannot: "allocate the pool")
    }
  }

  private func pump(
    _ plan: BackupPlan, _ source: some BackupSource, _ writers: [BackupWriter],
    _ pool: SharedPool
  ) throws(JobError) -> BackupLane.Outcome {
    progress.totalBytes.store(plan.byteCount, ordering: .relaxed)
    let lane: BackupLane
    do throws(SystemCallError) {
      lane = try BackupLane(
        pool: pool, sessions: writers.map(\.session), streams: source.streams,
        rateLimit: request.rateLimit, stallLimit: request.stallLimit,
        digestThreads: request.computesDigests ? digestThreadCount() : 0, progress: progress,
        stop: stop)
    } catch {
      throw JobError(error, cannot: "start the \(doing)")
    }
    lane.endOfReading = { source.endOfReading() }
    surroundings.events(.started(progress))
    return lane.run()
  }

  /// Publishes what is complete, reports what is not.
  private func conclude(
    _ plan: BackupPlan, _ writers: [BackupWriter], _ outcome: BackupLane.Outcome
  ) throws(JobError) -> JobReport {
    var report = JobReport(doing: doing)
    report.streams = outcome.summaries
    var failed: [(label: String, error: JobError)] = []
    for writer in writers {
      report.helperCPUSeconds += writer.session.cpuSeconds
      do throws(JobError) {
        let output = try writer.publish(plan, outcome.summaries)
        report.outputs.append(output)
        surroundings.events(
          .published(label: output.label, path: output.path, receipt: output.receipt))
      } catch {
        failed.append((writer.output.label, error))
      }
    }
    if !failed.isEmpty { throw verdict(failed, of: writers.count) }
    return report
  }

  /// One output that failed alone is the job's error; of several each is reported first.
  private func verdict(
    _ failed: [(label: String, error: JobError)], of count: Int
  ) -> JobError {
    if count == 1 { return failed[0].error }
    for (label, error) in failed { surroundings.events(.outputFailed(label: label, error)) }
    return JobError(
      failed.count < count ? .partial : failed[0].error.status, doing: "",
      "\(failed.count) of \(count) outputs failed"
        + (failed.count < count ? "; the others are complete" : ""))
  }
}

/// Threads for hashing: as many as there are processors, four at most.
func digestThreadCount() -> Int {
  max(1, min(4, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
}
