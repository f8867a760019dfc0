internal import BackupProtocol
internal import PluginHost
internal import Pump
internal import SharedPool
package import System

/// `sluice restore`: disks and configurations into a new directory, or disks into places of their
/// own.
///
/// A target appears under its name when it is complete and has the digest of the receipt,
/// not before; without a receipt, when the plugin has checked the archive to its end. A block
/// device, which is there already, is written as the bytes come.
package struct RestoreJob {
  private let request: RestoreRequest
  private let surroundings: Surroundings
  private let stop: StopSignal

  package init(_ request: RestoreRequest, _ surroundings: Surroundings, stop: StopSignal) {
    self.request = request
    self.surroundings = surroundings
    self.stop = stop
  }

  package func run() throws(JobError) -> JobReport {
    let archive = try Archive.find(request.archive, surroundings, stop: stop)
    let places = try RestorePlaces(
      request, of: archive, surroundings, id: makeJobIdentifier(), stop: stop)
    var report: JobReport
    do throws(JobError) {
      report = try read(archive, into: places)
      try places.publish()
    } catch {
      places.salvage()
      places.tellWhatIsLeft()
      throw places.failure ?? error
    }
    report.outputs = places.outputs
    if report.proof == Proof.none { surroundings.events(.warning(archive.unprovenWarning)) }
    surroundings.events(.finished(report))
    return report
  }

  private func read(
    _ archive: Archive, into places: RestorePlaces
  ) throws(JobError) -> JobReport {
    let receipts = ReceiptCheck(receipt: archive.receipt)
    let job = ReadJob(archive: archive, surroundings: surroundings, stop: stop)
    return try job.run(
      .read, doing: "restore",
      ReadLane.Plan(
        accept: { ack throws(LaneFailure) in
          try receipts.accept(ack.streams)
          try places.accept(ack.streams)
        },
        target: { stream, memory throws(LaneFailure) in try places.target(stream, memory) },
        choose: { places.choose($0) },
        check: { stream, digest throws(LaneFailure) in
          let isProven = try receipts.check(stream, digest)
          try places.hasCome(stream, isProven: isProven)
        }))
  }
}
