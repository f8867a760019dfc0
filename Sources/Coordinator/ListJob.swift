package import BackupProtocol
package import Pump
internal import System

/// What an archive holds.
package struct Listing: Sendable {
  package let format: String
  package let streams: [StreamDescription]
  /// What the receipt says of it, or else the archive; empty where neither does.
  package let machine: Job.Machine
  /// RFC 3339 in UTC; empty where nobody tells.
  package let instant: String
  package let receipt: Receipt?
}

/// `sluice list`: asks the plugin what an archive holds, and reads none of it.
package struct ListJob {
  private let path: String
  private let format: String?
  private let surroundings: Surroundings
  private let stop: StopSignal

  package init(path: String, format: String?, _ surroundings: Surroundings, stop: StopSignal) {
    self.path = path
    self.format = format
    self.surroundings = surroundings
    self.stop = stop
  }

  package func run() throws(JobError) -> Listing {
    let archive = try Archive.find(path, format: format, surroundings, stop: stop)
    var told = JobAck()
    let job = ReadJob(archive: archive, surroundings: surroundings, stop: stop, stallLimit: 60)
    _ = try job.run(
      .read, doing: "list",
      ReadLane.Plan(
        accept: { told = $0 }, target: { _, _ in nil }, choose: { _ in [] },
        check: { _, _ in }))
    let origin = archive.origin(told)
    return Listing(
      format: archive.chosen.format.name, streams: told.streams, machine: origin.machine,
      instant: origin.instant, receipt: archive.receipt)
  }
}

/// `sluice verify`: reads every byte of an archive and holds it against the receipt.
package struct VerifyJob {
  private let path: String
  private let format: String?
  private let surroundings: Surroundings
  private let stop: StopSignal

  package init(path: String, format: String?, _ surroundings: Surroundings, stop: StopSignal) {
    self.path = path
    self.format = format
    self.surroundings = surroundings
    self.stop = stop
  }

  /// What an archive was held against, beside its structure and the format's own checksums.
  package enum Measure: Sendable {
    case nothing
    /// Names, kinds and sizes: the receipt has no digest of some stream.
    case sizes
    case everyByte
  }

  /// - Returns: The report, and what the archive was held against.
  package func run() throws(JobError) -> (report: JobReport, measure: Measure) {
    let archive = try Archive.find(path, format: format, surroundings, stop: stop)
    let receipts = ReceiptCheck(receipt: archive.receipt)
    let job = ReadJob(archive: archive, surroundings: surroundings, stop: stop, stallLimit: 600)
    let report = try job.run(
      .verify, doing: "verify",
      ReadLane.Plan(
        accept: { ack throws(LaneFailure) in try receipts.accept(ack.streams) },
        target: { _, _ in nil }, choose: { $0 },
        check: { stream, digest throws(LaneFailure) in try receipts.check(stream, digest) }))
    surroundings.events(.finished(report))
    guard let receipt = archive.receipt else { return (report, .nothing) }
    let hasDigests = receipt.streams.allSatisfy { $0.digest.algorithm == .treeSHA256 }
    return (report, hasDigests ? .everyByte : .sizes)
  }
}
