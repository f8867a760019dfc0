package import BackupProtocol
package import Pump
internal import System

/// What an archive holds.
package struct Listing: Sendable {
  package let format: String
  package let streams: [StreamDescription]
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
    var streams: [StreamDescription] = []
    let job = ReadJob(archive: archive, surroundings: surroundings, stop: stop, stallLimit: 60)
    _ = try job.run(
      .read, doing: "list",
      ReadLane.Plan(
        accept: { streams = $0.streams }, target: { _, _ in nil }, choose: { _ in [] },
        check: { _, _ in }))
    return Listing(
      format: archive.chosen.format.name, streams: streams, receipt: archive.receipt)
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

  /// - Returns: The report, and whether there was a receipt; without one only the structure and
  ///   the format's own checksums were checked.
  package func run() throws(JobError) -> (report: JobReport, hasReceipt: Bool) {
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
    return (report, archive.receipt != nil)
  }
}
