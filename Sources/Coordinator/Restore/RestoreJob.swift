internal import ArchiveJobs
internal import BackupProtocol
package import JobSupport
internal import MachineStart
internal import PluginHost
internal import Pump
package import Requests
internal import SharedPool
package import System

/// `sluice restore`: disks and configurations into a new directory, or disks into places of their
/// own.
///
/// A target appears under its name when it is complete and has the digest of the receipt,
/// not before; without a receipt, when the plugin has checked the archive to its end. A block
/// device, which is there already, is written as the bytes come.
package struct RestoreJob: Sendable {
  private let request: RestoreRequest
  private let surroundings: Surroundings
  private let stop: StopSignal
  /// Scripts that start what was restored.
  private var scripts = MachineScripts.Written()

  package init(_ request: RestoreRequest, _ surroundings: Surroundings, stop: StopSignal) {
    self.request = request
    self.surroundings = surroundings
    self.stop = stop
  }

  package mutating func run() throws(JobError) -> JobReport {
    let archive = try Archive.find(request.archive, surroundings, stop: stop)
    let chain = try ArchiveChain.find(
      of: archive, in: request.archive.parents, surroundings, stop: stop)
    try refuseSalvage(of: chain)
    let job = ReadJob(
      archive: archive, chain: chain, surroundings: surroundings, stop: stop,
      rateLimit: request.archive.rateLimit
    )
    surroundings.events(.began(job: job.id))
    let places = try RestorePlaces(request, of: archive, surroundings, id: job.id, stop: stop)
    var report: JobReport
    do throws(JobError) {
      report = try read(job, into: places)
      if let failure = report.lateFailure { try places.distrustUnproven(failure) }
      try places.publish()
    } catch {
      places.salvage()
      places.tellWhatIsLeft()
      let failure = places.failure ?? error
      guard failure.status == .interrupted, !places.outputs.isEmpty else { throw failure }
      throw failure.saying("interrupted; some of the disks were restored before", hint: nil)
    }
    report.outputs = places.outputs
    if report.proof == Proof.none { surroundings.events(.warning(archive.unprovenWarning)) }
    try places.requireUndamaged()
    if let failure = report.lateFailure {
      throw JobError(
        .badData, "the archive is damaged, but every stream is whole by its receipt: \(failure)")
    }
    scripts = places.scripts
    if !request.startsMachine { surroundings.events(.finished(report)) }
    return report
  }

  /// As ``run()``, and then starts the machine.
  package func runAndStart() async throws(JobError) -> JobReport {
    let (report, scripts) = try await blocking(named: "sluice-job") { () throws(JobError) in
      var job = self
      let report = try job.run()
      return (report, job.scripts)
    }
    guard let script = scripts.kinds.max(by: { $0 == .start && $1 == .resume }) else {
      throw JobError(
        .badData, "the machine was restored, but not started: there is no script that starts it")
    }
    let starter = MachineStarter(
      directory: request.directory ?? "", script: script, ran: scripts.ran, stop: stop,
      events: surroundings.events)
    try await starter.run()
    surroundings.events(.finished(report))
    return report
  }

  /// What is lost of a parent cannot be told from what is not.
  private func refuseSalvage(of chain: ArchiveChain) throws(JobError) {
    guard request.keepsDamaged, let parent = chain.parents.last else { return }
    throw JobError(
      .unavailable, "what can be read of a damaged archive cannot be kept of an increment",
      hint: "salvage \(parent.path), the full backup it begins with")
  }

  private func read(
    _ job: ReadJob, into places: RestorePlaces
  ) throws(JobError) -> JobReport {
    let receipts = ReceiptCheck(receipt: job.archive.receipt)
    var plan = ReadLane.Plan(
      accept: { ack throws(LaneFailure) in
        try receipts.accept(ack.streams)
        try places.accept(ack.streams)
      },
      target: { stream, memory throws(LaneFailure) in try places.target(stream, memory) },
      choose: { places.choose($0) },
      check: { stream, digest throws(LaneFailure) in
        let isProven = try receipts.check(stream, digest)
        try places.hasCome(stream, isProven: isProven)
      })
    if request.keepsDamaged { plan.keepDamaged(into: places, receipts) }
    return try job.run(.read, doing: "restore", plan)
  }
}

extension ReadLane.Plan {
  /// Damage does not end the restore.
  fileprivate mutating func keepDamaged(into places: RestorePlaces, _ receipts: ReceiptCheck) {
    keepDamaged = { stream, damage throws(LaneFailure) in try places.hasCome(stream, damage) }
    check = { stream, digest throws(LaneFailure) in
      let isProven: Bool
      do throws(LaneFailure) { isProven = try receipts.check(stream, digest) } catch {
        // What is wrong is all that a check can throw.
        return try places.hasCome(
          stream, damagedSomewhere: "its digest differs from the receipt")
      }
      try places.hasCome(stream, isProven: isProven)
    }
  }
}
