internal import BackupJobs
package import JobSupport
package import Requests
package import System

/// `sluice convert`: an archive becomes archives of other formats.
///
/// ```
/// reader plugin ─► its pool ─► memory of the host alone ─► pool ─► writer plugins
/// ```
/// Both kinds of plugins are in their sandboxes, and trust nothing of each other. What travels is
/// the backup and not the file: configurations, roles, the machine's identity, the instant.
package struct ConvertJob: Sendable {
  private let wanted: ArchiveRequest
  private let request: BackupRequest
  private let surroundings: Surroundings
  private let stop: StopSignal

  /// - Parameter request: Its outputs and their options, limits and the machine's identity.
  package init(
    _ wanted: ArchiveRequest, _ request: BackupRequest, _ surroundings: Surroundings,
    stop: StopSignal
  ) {
    self.wanted = wanted
    self.request = request
    self.surroundings = surroundings
    self.stop = stop
  }

  /// Runs the job; what blocks has a thread of its own.
  ///
  /// - Throws: `JobError` when not every output could be published; with status `.partial` some
  ///   were, and the events name them.
  package func run() async throws(JobError) -> JobReport {
    try await JobRun(request: request, surroundings: surroundings, stop: stop)
      .run(ArchiveSource(wanted: wanted))
  }
}
