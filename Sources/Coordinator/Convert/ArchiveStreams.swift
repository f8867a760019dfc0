internal import BackupJobs
internal import BackupProtocol
internal import BlockSource
internal import JobSupport
internal import Pump
internal import SharedPool

/// Streams that come out of an archive while they are sent to writers.
final class ArchiveStreams: SourceStreams {
  let streams: [LaneStream]
  private let reading: ArchiveReading
  /// Streams that come out of the archive; the user may have given others.
  private let archived: Set<String>
  private let handover: StreamHandover
  private var hasStopped = false

  init(
    _ reading: ArchiveReading, _ contents: ArchiveReading.Contents, _ plan: BackupPlan,
    maps: [String: [Extent]], _ handover: StreamHandover
  ) {
    self.reading = reading
    self.handover = handover
    archived = Set(contents.configs.map(\.name) + contents.disks.map(\.description.name))
    var streams = plan.configStreams(handover.pool)
    for disk in contents.disks {
      streams.append(
        LaneStream(
          description: plan.streams[streams.count], size: disk.size,
          map: ArchiveReading.map(of: disk.description.name, size: disk.size, in: maps),
          openReader: { HandoverReader(handover) }))
    }
    self.streams = streams
  }

  deinit { _ = stop() }

  /// The reader continues to its own end; if it was not done, it is told that no more is wanted.
  func endOfReading() { handover.takerIsDone() }

  /// The archive must have been read to its end, and be what its receipt says; what was sent must
  /// be what was read.
  func requireSound(_ summaries: [StreamSummary]) throws(JobError) {
    switch reading.end() {
    // Every writer had failed: each tells why.
    case .failure where handover.isCut: return
    case .failure(let error): throw error
    case .success:
      for summary in summaries where archived.contains(summary.name) {
        // Of an increment each archive was compared; the whole has a digest only now.
        guard reading.digest(of: summary.name)?.algorithm != .incrementTreeSHA256 else { continue }
        guard summary.digest != reading.digest(of: summary.name) else { continue }
        throw JobError(
          .badData, "\"\(summary.name)\" in the archive changed during the conversion")
      }
    }
  }

  /// The reading knows why nothing came.
  func explained(_ failure: LaneFailure) -> JobError {
    switch failure {
    case .source:
      if case .failure(let error) = reading.end() { return error }
      return JobError(failure)
    case .sourceStalled(let stream, let seconds):
      return JobError(
        .inputOutput, cannot: "read \(stream)",
        "no data from the archive for \(Int(seconds)) s")
    default: return JobError(failure)
    }
  }

  func stop() -> Double {
    guard !hasStopped else { return 0 }
    hasStopped = true
    handover.takerIsDone()
    return (try? reading.end().get())?.helperCPUSeconds ?? 0
  }
}
