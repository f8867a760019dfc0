package import BackupProtocol
package import JobSupport
internal import PluginHost
package import Pump
internal import System

// An archive that is opened for ranges of its streams instead of whole ones.
extension ReadJob {
  /// Opens the archive, of which `body` reads what it likes; blocks until the plugin is gone.
  ///
  /// What the archive lists is what its receipt lists. What `body` reads of it nothing has proven.
  ///
  /// - Parameter body: Gets the open archive and its streams; what it throws ends the session.
  package func readRanges(
    doing name: String,
    _ body: (ArchiveSession, [StreamDescription]) throws(LaneFailure) -> [StreamSummary]
  ) throws(JobError) -> JobReport {
    let started = MonotonicTime.now
    let session = try open(.read)
    if shown != .nothing { surroundings.events(.started(session.progress)) }
    var streams: [StreamSummary] = []
    var ending: LaneFailure?
    do throws(LaneFailure) {
      let ack = try session.open()
      try ReceiptCheck(receipt: archive.receipt).accept(ack.streams)
      streams = try body(session, ack.streams)
      try session.finish()
    } catch {
      ending = error
      session.abandon()
    }
    if let error = failure(of: session, ending) { throw error }
    var report = report(of: session, doing: name, since: started)
    (report.streams, report.proof) = (streams, Proof.none)
    return report
  }
}
