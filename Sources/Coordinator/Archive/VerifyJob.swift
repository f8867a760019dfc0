internal import BackupProtocol
package import JobSupport
internal import Pump
package import Requests
package import System

/// `sluice verify`: reads every byte of an archive and compares it with the receipt.
///
/// Without digests in a receipt, the format's own digests count, as reported by the plugin; without
/// either the archive is not verified, however valid its structure is, which is no success.
package struct VerifyJob {
  private let wanted: ArchiveRequest
  private let isAlone: Bool
  private let surroundings: Surroundings
  private let stop: StopSignal

  /// - Parameter isAlone: Of an increment, only this archive and not its parents.
  package init(
    _ wanted: ArchiveRequest, isAlone: Bool = false, _ surroundings: Surroundings, stop: StopSignal
  ) {
    self.wanted = wanted
    self.isAlone = isAlone
    self.surroundings = surroundings
    self.stop = stop
  }

  /// - Returns: What verified the archive.
  /// - Throws: `JobError`; with status `.unverified` nothing is wrong, but nothing verifies it.
  package func run() throws(JobError) -> Proof {
    let archive = try Archive.find(wanted, surroundings, stop: stop)
    do throws(JobError) { return try verifyAll(archive) } catch {
      guard error.status == .interrupted else { throw error }
      throw error.saying("interrupted; \(archive.shownName) is not verified", hint: nil)
    }
  }

  private func verifyAll(_ archive: Archive) throws(JobError) -> Proof {
    guard !isAlone else { return try verify(archive, depth: 0) }
    let chain = try ArchiveChain.find(of: archive, in: wanted.parents, surroundings, stop: stop)
    let proof = try verify(archive, depth: 0)
    for (level, parent) in chain.parents.enumerated() {
      do throws(JobError) { _ = try verify(parent, depth: level + 1) } catch {
        guard error.status != .interrupted else { throw error }
        throw error.saying("parent \(parent.path): \(error.description)", hint: error.remedy)
      }
    }
    return proof
  }

  /// - Parameter depth: How many increments lie above it.
  private func verify(_ archive: Archive, depth: Int) throws(JobError) -> Proof {
    let surroundings = surroundings.reading(depth: depth)
    let receipts = ReceiptCheck(receipt: archive.receipt)
    let job = ReadJob(
      archive: archive, surroundings: surroundings, stop: stop, rateLimit: wanted.rateLimit)
    let plan = ReadLane.Plan(
      accept: { ack throws(LaneFailure) in
        try receipts.accept(ack.streams)
        RestoredFile.warnOfClash(ack.streams, surroundings.events)
      },
      target: { _, _ in nil }, choose: { $0 },
      check: { stream, digest throws(LaneFailure) in try receipts.check(stream, digest) })
    var report = try job.run(.verify, doing: "verify", plan)
    report.isAlone = isAlone && archive.receipt?.parent != nil
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
      .unverified,
      "\(shownName) is not verified: its structure is valid, but \(reason), and the format "
        + "\"\(chosen.format.name)\" does not checksum all data",
      hint: receipt == nil ? .nameReceipt : nil)
  }
}
