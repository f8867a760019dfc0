internal import BackupJobs
package import JobSupport
internal import LiveBackup
package import Requests
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
    try requested { () throws(RequestError) in try request.validateSource() }
    let run = JobRun(request: request, surroundings: surroundings, stop: stop)
    guard let guest = request.guest else { return try await run.run(ImageSource()) }
    return try await run.run(GuestSource(guest: guest))
  }
}
