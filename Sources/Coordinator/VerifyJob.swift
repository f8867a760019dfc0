internal import BackupProtocol
internal import Pump
package import System

/// `sluice verify`: reads every byte of an archive and holds it against the receipt.
///
/// Without digests in a receipt, what the plugin says of the format's own digests counts; without
/// those too nothing is proven, however sound the archive looks, and that is no success.
package struct VerifyJob {
  private let wanted: ArchiveRequest
  private let surroundings: Surroundings
  private let stop: StopSignal

  package init(_ wanted: ArchiveRequest, _ surroundings: Surroundings, stop: StopSignal) {
    self.wanted = wanted
    self.surroundings = surroundings
    self.stop = stop
  }

  /// - Returns: What proves the archive.
  /// - Throws: `JobError`; with status `.unverified` all is as it should be, and nothing proves it.
  package func run() throws(JobError) -> Proof {
    let archive = try Archive.find(wanted, surroundings, stop: stop)
    let receipts = ReceiptCheck(receipt: archive.receipt)
    let job = ReadJob(archive: archive, surroundings: surroundings, stop: stop)
    let report = try job.run(
      .verify, doing: "verify",
      ReadLane.Plan(
        accept: { ack throws(LaneFailure) in try receipts.accept(ack.streams) },
        target: { _, _ in nil }, choose: { $0 },
        check: { stream, digest throws(LaneFailure) in try receipts.check(stream, digest) }))
    surroundings.events(.finished(report))
    guard let proof = report.proof, proof != .none else { throw archive.unverified }
    return proof
  }
}

extension Archive {
  /// Why nothing proves what was read.
  fileprivate var unverified: JobError {
    let reason = receipt == nil ? "there is no receipt" : "its receipt has no digests"
    return JobError(
      .unverified, doing: "",
      "\(shownName) is not verified: its structure is sound, but \(reason), and the format "
        + "\"\(chosen.format.name)\" has no digests of all data",
      hint: receipt == nil ? "--receipt FILE names a receipt that is elsewhere" : nil)
  }
}
