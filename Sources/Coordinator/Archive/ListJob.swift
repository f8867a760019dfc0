package import BackupProtocol
package import JobSupport
internal import Pump
package import Requests
package import System

/// What an archive holds.
package struct Listing: Sendable {
  package let format: String
  package let streams: [StreamDescription]
  /// From the receipt, or else from the archive; empty if unknown.
  package let machine: Job.Machine
  /// RFC 3339 in UTC; empty if unknown.
  package let instant: String
  package let receipt: Receipt?
}

/// `sluice list`: asks the plugin what an archive holds, and reads none of it.
package struct ListJob {
  private let wanted: ArchiveRequest
  private let surroundings: Surroundings
  private let stop: StopSignal

  package init(_ wanted: ArchiveRequest, _ surroundings: Surroundings, stop: StopSignal) {
    self.wanted = wanted
    self.surroundings = surroundings
    self.stop = stop
  }

  package func run() throws(JobError) -> Listing {
    let archive = try Archive.find(wanted, surroundings, stop: stop)
    var told = JobAck()
    let job = ReadJob(archive: archive, surroundings: surroundings, stop: stop)
    _ = try job.run(
      .read, doing: "list",
      ReadLane.Plan(
        accept: { told = $0 }, target: { _, _ in nil }, choose: { _ in [] },
        check: { _, _ in }))
    RestoredFile.warnOfClash(told.streams, surroundings.events)
    let origin = archive.origin(told)
    return Listing(
      format: archive.chosen.format.name, streams: told.streams, machine: origin.machine,
      instant: origin.instant?.text ?? "", receipt: archive.receipt)
  }
}
