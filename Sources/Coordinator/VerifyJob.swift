internal import BackupProtocol
internal import Pump
package import System

/// `sluice verify`: reads every byte of an archive and compares it with the receipt.
///
/// Without digests in a receipt, the format's own digests count, as reported by the plugin; without
/// either the archive is not verified, however valid its structure is, which is no success.
package struct VerifyJob {
  private let wanted: ArchiveRequest
  private let surroundings: Surroundings
  private let stop: StopSignal

  package init(_ wanted: ArchiveRequest, _ surroundings: Surroundings, stop: StopSignal) {
    self.wanted = wanted
    self.surroundings = surroundings
    self.stop = stop
  }

  /// - Returns: What verified the archive.
  /// - Throws: `JobError`; with status `.unverified` nothing is wrong, but nothing verifies it.
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
  /// Why the archive is not verified.
  fileprivate var unverified: JobError {
    let reason = receipt == nil ? "it has no receipt" : "its receipt has no digests"
    return JobError(
      .unverified, doing: "",
      "\(shownName) is not verified: its structure is valid, but \(reason), and the format "
        + "\"\(chosen.format.name)\" does not checksum all data",
      hint: receipt == nil ? "specify a receipt stored elsewhere with --receipt FILE" : nil)
  }
}
