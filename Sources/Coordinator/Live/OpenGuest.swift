internal import BackupJobs
internal import BackupProtocol
internal import JobSupport
internal import Pump
internal import QEMUControl
internal import Requests
internal import Synchronization

/// A running machine whose disks can be read as they were at the point in time.
///
/// It is set free as soon as everything is read, while plugins still work; the journal and the
/// watchdog stay until the job is settled.
final class OpenGuest: OpenSource {
  /// Where the disks can be read.
  enum Data: Sendable {
    case exports([GuestDisk], GuestLink)
    /// In the spool: the machine is free already.
    case spool
  }

  let contents: SourceContents
  private let prepared: PreparedGuest
  private let data: Data
  private let order: JobOrder
  private let report: Mutex<GuestReport>

  init(
    _ prepared: PreparedGuest, _ contents: SourceContents, _ taken: PointInTime.Taken,
    _ data: Data, _ order: JobOrder
  ) {
    self.prepared = prepared
    self.contents = contents
    self.data = data
    self.order = order
    var report = GuestReport()
    report.instant = contents.instant.text
    report.pointInTimeMilliseconds = taken.milliseconds
    self.report = Mutex(report)
  }

  func streams(of plan: BackupPlan) throws(JobError) -> any SourceStreams {
    switch data {
    case .exports(let disks, let link):
      try GuestStreams(disks, plan, link, prepared, order)
    case .spool:
      try SpoolStreams(plan, prepared, order)
    }
  }

  func endOfReading() {
    if case .exports(_, let link) = data { link.endReading() }
  }

  func attend() async {
    guard case .exports(_, let link) = data else { return }
    await link.readingEnded()
    let verdict = await verdict()
    await prepared.hold.release()
    link.judge(verdict)
  }

  /// Everything is read: whether the point in time was intact until now.
  private func verdict() async -> Result<Void, JobError> {
    do throws(JobError) {
      // A stopped job publishes nothing, so the check is unnecessary.
      try order.requireNotStopped()
      try await prepared.guardian.requirePointInTime()
      let bytes = (try? await prepared.hold.instant.fleecedBytes()) ?? []
      report.withLock { report in
        for (disk, count) in zip(prepared.hold.instant.disks, bytes) {
          report.fleecedBytes[disk.name] = UInt64(clamping: count)
        }
      }
      return .success(())
    } catch {
      return .failure(error)
    }
  }

  func settle(_ outcome: JobOutcome) async throws(JobError) -> JobReport {
    let hold = prepared.hold
    defer { hold.monitor.close() }
    if let failure = outcome.failure {
      throw await prepared.failed(failure, published: outcome.report.outputs.count)
    }
    await hold.release()
    await prepared.settleBitmaps(published: outcome.report)
    await hold.settle()
    // Callers that look only at the status must learn of it, too.
    if let remainder = hold.remainder {
      throw JobError(
        .partial, "the backup is complete, but cleaning up QEMU is not: \(remainder)",
        hint: .recover(socket: hold.journal.contents.qmp))
    }
    var report = outcome.report
    report.guest = self.report.withLock { $0 }
    report.guest?.frozenSeconds = hold.quiesce.seconds
    report.guest?.stallSeconds = hold.watch.stallSeconds
    report.guest?.vmState = prepared.ram?.report(hold)
    return report
  }
}
