internal import BackupProtocol
package import JobSupport
internal import PluginHost
package import Requests
internal import SharedPool
package import System

/// One job, from what the user asked for to published archives:
///
/// outputs → configurations → source → plan → transfer (plugins, data, receipts, publishing) →
/// settling the source.
package struct JobRun: Sendable {
  private let request: BackupRequest
  private let surroundings: Surroundings
  private let stop: StopSignal

  package init(request: BackupRequest, surroundings: Surroundings, stop: StopSignal) {
    self.request = request
    self.surroundings = surroundings
    self.stop = stop
  }

  /// Runs it; what blocks has a thread of its own.
  ///
  /// - Throws: `JobError` when not every output could be published; with status `.partial` some
  ///   were, and the events name them.
  package func run(_ source: some JobSource) async throws(JobError) -> JobReport {
    let started = MonotonicTime.now
    // The files that are named may be pipes, which are waited for.
    let order = try await blocking(named: "sluice-order") { () throws(JobError) in
      try self.order(for: source)
    }
    surroundings.events(.began(job: order.id))
    let opened = try await source.open(order)
    let outcome = await transfer(opened, order, doing: source.doing)
    var report = try await opened.settle(outcome)
    report.seconds = MonotonicTime.now.seconds(since: started)
    surroundings.events(.finished(report))
    return report
  }

  /// What can be checked before the source is touched.
  private func order(for source: some JobSource) throws(JobError) -> JobOrder {
    let files = try ToldFiles(request.machineFiles, stop: stop)
    var request = request
    if request.vmID.isEmpty { request.vmID = files.id }
    let outputs = try BackupPlan.outputs(
      request, surroundings, isVMIDToCome: source.tellsMachine && request.vmID.isEmpty)
    try BackupPlan.refuseTaken(outputs)
    return JobOrder(
      request: request, outputs: outputs, configs: try BackupPlan.configs(request, stop: stop),
      files: files,
      increment: try request.increment.map { increment throws(JobError) in
        try IncrementOrder(increment, outputs, surroundings, stop: stop)
      },
      pool: try Self.pool(BackupPlan.shape(outputs, slotCount: source.slotCount)),
      surroundings: surroundings, stop: stop)
  }

  /// The memory of a job.
  private static func pool(_ shape: PoolShape) throws(JobError) -> SharedPool {
    try attempt("allocate the pool") { () throws(SystemCallError) in
      try SharedPool(shape, name: "sluice-pool")
    }
  }

  /// Reads the source and makes the archives.
  private func transfer(
    _ opened: some OpenSource, _ order: JobOrder, doing: String
  ) async -> JobOutcome {
    async let transferred = Self.transferred(opened, order, doing)
    await opened.attend()
    return await transferred
  }

  /// The part of the job's thread.
  private static func transferred(
    _ opened: some OpenSource, _ order: JobOrder, _ doing: String
  ) async -> JobOutcome {
    defer { opened.endOfReading() }
    do throws(JobError) {
      return try await blocking(named: "sluice-job") { () throws(JobError) in
        defer { opened.endOfReading() }
        let plan = try BackupPlan(opened.contents, outputs: order.outputs)
        try plan.requireHeld(order.surroundings.catalog)
        order.surroundings.events(.named(machine: plan.machine.name))
        order.surroundings.events(
          .planned(doing: doing, streams: plan.streams.map(\.name), bytes: plan.byteCount))
        let source = try opened.streams(of: plan)
        for stream in source.streams { stream.tell(order.surroundings.events) }
        return try Transfer(order: order, doing: doing).run(
          plan.capturing(source.streams, source.parent), source)
      }
    } catch {
      return JobOutcome(doing: doing, error)
    }
  }
}
