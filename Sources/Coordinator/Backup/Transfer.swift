internal import BackupProtocol
internal import BlockSource
internal import JobSupport
internal import PluginHost
internal import Pump
internal import Requests
internal import SharedPool
internal import Synchronization
internal import System

/// The data of a job, from an open source to published archives; blocks.
///
/// staging places → plugins → lane → source sound → receipts → publish. Each step leaves nothing
/// behind when a later one fails: staging places and plugins end with their owners.
struct Transfer {
  let order: JobOrder
  /// What the user asked for, in a word.
  let doing: String
  private let progress = LaneProgress()

  init(order: JobOrder, doing: String) {
    self.order = order
    self.doing = doing
  }

  private var request: BackupRequest { order.request }
  private var surroundings: Surroundings { order.surroundings }

  /// - Throws: `JobError` if nothing was published. The source may still have to be stopped.
  func run(
    _ plan: BackupPlan, _ source: any SourceStreams
  ) throws(JobError) -> JobOutcome {
    var writers: [BackupWriter] = []
    for output in plan.outputs {
      writers.append(
        try BackupWriter(
          output, plan: plan, request: request, pool: order.pool, surroundings: surroundings,
          stop: order.stop))
    }
    let outcome = try pump(plan, source, writers)
    // Without writers each of them tells for itself what became of it.
    if let failure = outcome.failure, !failure.isNoWriters { throw source.explained(failure) }
    try source.requireSound(outcome.summaries)
    var concluded = conclude(plan, writers, outcome)
    concluded.report.disks = zip(plan.streams, source.streams).compactMap { description, stream in
      description.kind == .disk
        ? DiskReport(name: description.name, allocatedBytes: stream.allocatedBytes) : nil
    }
    concluded.report.helperCPUSeconds += source.stop()
    return concluded
  }

  private func pump(
    _ plan: BackupPlan, _ source: any SourceStreams, _ writers: [BackupWriter]
  ) throws(JobError) -> BackupLane.Outcome {
    progress.totalBytes.store(plan.byteCount, ordering: .relaxed)
    let lane: BackupLane
    do throws(SystemCallError) {
      lane = try BackupLane(
        pool: order.pool, sessions: writers.map(\.session), streams: source.streams,
        rateLimit: request.rateLimit, stallLimit: request.stallLimit,
        digestThreads: request.computesDigests ? digestThreadCount() : 0, progress: progress,
        stop: order.stop)
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
  ) -> JobOutcome {
    var report = JobReport(doing: doing)
    report.streams = outcome.summaries
    var failed: [(label: String, error: JobError)] = []
    for writer in writers {
      report.helperCPUSeconds += writer.session.cpuSeconds
      do throws(JobError) {
        let output = try writer.publish(plan, outcome.summaries)
        report.outputs.append(output)
        surroundings.events(
          .published(
            label: output.label, path: output.path, storedBytes: output.storedBytes,
            receipt: output.receipt))
      } catch {
        failed.append((writer.output.label, error))
      }
    }
    let failure = failed.isEmpty ? nil : verdict(failed, of: writers.count)
    return JobOutcome(report: report, failure: failure)
  }

  /// One output that failed alone is the job's error; of several each is reported first.
  private func verdict(
    _ failed: [(label: String, error: JobError)], of count: Int
  ) -> JobError {
    if count == 1 { return failed[0].error }
    for (label, error) in failed { surroundings.events(.outputFailed(label: label, error)) }
    return JobError(
      failed.count < count ? .partial : failed[0].error.status,
      "\(failed.count) of \(count) outputs failed"
        + (failed.count < count ? "; the others are complete" : ""))
  }
}
