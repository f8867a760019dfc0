package import JobSupport
package import Pump

/// The streams of a job while they are read; used by the thread of the job.
package protocol SourceStreams: AnyObject {
  /// In the order of the plan.
  var streams: [LaneStream] { get }

  /// What increments among them refer to; `nil` for a job without a level.
  var parent: ChosenParent? { get }

  /// Every byte has been read, or no more will be: what serves the disks may go.
  func endOfReading()

  /// Waits for what ``endOfReading()`` began.
  ///
  /// - Parameter summaries: What was sent of each stream.
  /// - Throws: `JobError` if what was read is not what the archive would claim; then nothing may
  ///   be published.
  func requireSound(_ summaries: [StreamSummary]) throws(JobError)

  /// Why reading failed, with what this source knows about it.
  func explained(_ failure: LaneFailure) -> JobError

  /// Ends what serves the disks, if it has not ended.
  ///
  /// - Returns: CPU seconds it took; 0 from the second call on.
  func stop() -> Double
}

extension SourceStreams {
  package var parent: ChosenParent? { nil }
  package func endOfReading() {}
  package func requireSound(_ summaries: [StreamSummary]) throws(JobError) {}
  package func explained(_ failure: LaneFailure) -> JobError { JobError(failure) }
  package func stop() -> Double { 0 }
}
