internal import BackupProtocol
internal import BlockSource
package import System

/// `sluice backup`: images of a VM that is not running, or the disks of a running one.
package struct BackupJob: Sendable {
  private let request: BackupRequest
  private let surroundings: Surroundings
  private let stop: StopSignal

  package init(_ request: BackupRequest, _ surroundings: Surroundings, stop: StopSignal) {
    self.request = request
    self.surroundings = surroundings
    self.stop = stop
  }

  /// Runs the job; what blocks has a thread of its own.
  ///
  /// - Throws: `JobError` when not every output could be published; with status `.partial` some
  ///   were, and the events name them.
  package func run() async throws(JobError) -> JobReport {
    let started = MonotonicTime.now
    var report: JobReport
    if let guest = request.guest {
      report = try await GuestBackup(
        request: request, guest: guest, surroundings: surroundings, stop: stop
      ).run()
    } else {
      report = try await blocking(named: "sluice-job") { () throws(JobError) in
        try self.runImages()
      }
    }
    report.seconds = MonotonicTime.now.seconds(since: started)
    surroundings.events(.finished(report))
    return report
  }

  /// Each step leaves nothing behind when a later one fails: QEMU ends with its owner.
  private func runImages() throws(JobError) -> JobReport {
    let files = try ToldFiles(request.machineFiles)
    var request = request
    if request.vmID.isEmpty { request.vmID = files.id }
    let outputs = try BackupPlan.outputs(request, surroundings)
    let configs = try BackupPlan.configs(request) + files.configs
    let images = try ImageSource.images(request, surroundings)
    let plan = try BackupPlan(
      id: makeJobIdentifier(), instant: makeTimestamp(),
      machine: files.identity(request), told: files.told,
      disks: zip(images, request.images).map { image, asked in
        .init(name: image.name, role: "disk", size: image.size, file: asked.path)
      }, configs: configs, outputs: outputs)
    surroundings.events(
      .planned(doing: "backup", streams: plan.streams.map(\.name), bytes: plan.byteCount))
    let pool = try BackupRun.pool(plan.shape)
    let source = try ImageSource(images, plan, request, surroundings, pool: pool)
    return try BackupRun(request: request, surroundings: surroundings, stop: stop)
      .run(plan, pool, source)
  }
}

/// Runs a blocking function on a thread of its own.
package func blocking<Result: Sendable>(
  named name: String, _ body: @escaping @Sendable () throws(JobError) -> Result
) async throws(JobError) -> Result {
  let outcome: Swift.Result<Result, JobError>
  do throws(SystemCallError) {
    outcome = try await onThread(named: name) { () -> Swift.Result<Result, JobError> in
      do throws(JobError) { return .success(try body()) } catch { return .failure(error) }
    }
  } catch {
    throw JobError(error, cannot: "start a thread")
  }
  return try outcome.get()
}
