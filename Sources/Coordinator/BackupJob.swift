internal import BackupProtocol
internal import BlockSource
internal import Glibc
internal import PluginHost
package import Pump
internal import SharedPool
internal import Synchronization
internal import System

/// One backup from images to published archives.
///
/// plan → staging places → QEMU → plugins → lane → receipts → publish. Each step leaves nothing
/// behind when a later one fails: staging places, plugins and QEMU end with their owners.
package struct BackupJob {
  private let request: BackupRequest
  private let surroundings: Surroundings
  private let stop: StopSignal

  package init(_ request: BackupRequest, _ surroundings: Surroundings, stop: StopSignal) {
    self.request = request
    self.surroundings = surroundings
    self.stop = stop
  }

  /// Runs the job; blocks until it is over.
  ///
  /// - Throws: `JobError` when not every output could be published; with status `.partial` some
  ///   were, and the events name them.
  package func run() throws(JobError) -> JobReport {
    let started = Instant.now
    let plan = try BackupPlan(request, surroundings)
    surroundings.events(
      .planned(
        doing: "backup", streams: plan.streams.map(\.name),
        bytes: plan.streams.reduce(0) { $0 + ($1.size ?? 0) }))
    let pool = try Self.pool(plan.shape)
    let source = try BackupSource(plan, request, surroundings, pool: pool)
    var writers: [BackupWriter] = []
    for output in plan.outputs {
      writers.append(
        try BackupWriter(
          output, plan: plan, request: request, pool: pool, surroundings: surroundings))
    }
    var outcome = try pump(plan, source, writers, pool)
    if let failure = outcome.failure { outcome.failure = source.explained(failure) }
    var report = try conclude(plan, writers, outcome)
    report.helperCPUSeconds += source.stop()
    report.seconds = Instant.now.seconds(since: started)
    surroundings.events(.finished(report))
    return report
  }

  private static func pool(_ shape: PoolShape) throws(JobError) -> SharedPool {
    do { return try SharedPool(shape, name: "sluice-pool") } catch {
      throw JobError(error, doing: "taking memory for the pool")
    }
  }

  private func pump(
    _ plan: BackupPlan, _ source: BackupSource, _ writers: [BackupWriter], _ pool: SharedPool
  ) throws(JobError) -> BackupLane.Outcome {
    let progress = LaneProgress()
    progress.totalBytes.store(
      plan.streams.reduce(0) { $0 + ($1.size ?? 0) }, ordering: .relaxed)
    let lane: BackupLane
    do throws(SystemCallError) {
      lane = try BackupLane(
        pool: pool, sessions: writers.map(\.session), streams: source.streams,
        rateLimit: request.rateLimit, stallLimit: request.stallLimit,
        digestThreads: digestThreadCount(), progress: progress, stop: stop)
    } catch {
      throw JobError(error, doing: "starting the backup")
    }
    surroundings.events(.started(progress))
    return lane.run()
  }

  /// Publishes what is whole, reports what is not.
  private func conclude(
    _ plan: BackupPlan, _ writers: [BackupWriter], _ outcome: BackupLane.Outcome
  ) throws(JobError) -> JobReport {
    // Without writers each of them tells for itself what became of it.
    if let failure = outcome.failure, !failure.isNoWriters { throw JobError(failure) }
    var report = JobReport(doing: "backup")
    report.streams = outcome.summaries
    var failed: [(label: String, error: JobError)] = []
    for writer in writers {
      report.helperCPUSeconds += writer.session.cpuSeconds
      do throws(JobError) {
        report.outputs.append(try writer.publish(plan, outcome.summaries))
        surroundings.events(.published(label: writer.output.label, path: writer.output.path))
      } catch {
        failed.append((writer.output.label, error))
      }
    }
    if !failed.isEmpty { throw verdict(failed, of: writers.count) }
    return report
  }

  /// One output that failed alone is the job's error; of several each is told first.
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
