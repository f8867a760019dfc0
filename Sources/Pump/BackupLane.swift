internal import BackupProtocol
internal import BlockSource
internal import CLinux
package import PluginHost
package import SharedPool
internal import Synchronization
package import System

/// One thread that reads streams into slots and lends the slots to every writer of the job.
///
/// The lane owns sessions, readers and slots while ``run()`` runs. It shows three things to the
/// outside: `progress` (atomics), `stop` (a signal), and the outcome it returns. A slow writer
/// means no free slot, which means no further read: back-pressure needs no message of its own.
package final class BackupLane {
  package struct Outcome {
    package var summaries: [StreamSummary] = []
    /// Set when no writer can complete the job.
    package var failure: LaneFailure?
  }

  let pool: SharedPool
  let sessions: [PluginSession]
  let streams: [LaneStream]
  let progress: LaneProgress
  let stop: StopSignal
  let digests: DigestWorkers
  /// Whether streams get a digest.
  let isHashing: Bool
  /// Seconds a source may owe reads without answering any.
  let stallLimit: Double
  var rateLimit: RateLimit?
  var board: SlotBoard
  var poller = Poller()
  /// Called once, when the last byte was read or no more will be; before plugins end their work.
  package var endOfReading: () -> Void = {}
  /// What is announced next, in order; bounded by the slots and the steps between them.
  var steps: [LaneStep] = []

  /// - Parameters:
  ///   - sessions: Started, their JOB listing exactly `streams`; owned by the lane from now on.
  ///   - rateLimit: Bytes a second, or `nil`.
  ///   - stallLimit: Seconds without an answer of the source after which it is given up.
  ///   - digestThreads: 1…8, or 0 for streams without digest.
  /// - Throws: `SystemCallError` if threads or pipes are not to be had.
  package init(
    pool: SharedPool, sessions: [PluginSession], streams: [LaneStream], rateLimit: UInt64?,
    stallLimit: Double, digestThreads: Int, progress: LaneProgress, stop: StopSignal
  ) throws(SystemCallError) {
    self.pool = pool
    self.sessions = sessions
    self.streams = streams
    self.progress = progress
    self.stop = stop
    self.stallLimit = stallLimit
    self.rateLimit = rateLimit.map { RateLimit(bytesPerSecond: $0, now: .now) }
    isHashing = digestThreads > 0
    digests = try DigestWorkers(pool: pool, threadCount: digestThreads)
    board = SlotBoard(
      slotCount: pool.shape.slotCount,
      clustersPerSlot: pool.shape.slotBytes / Int(Cluster.bytes))
    steps.reserveCapacity(4 * pool.shape.slotCount)
  }

  /// Runs the whole job; blocks until every plugin is gone.
  package func run() -> Outcome {
    var outcome = Outcome()
    for session in sessions {
      session.handlers.released = { [unowned self] slot in board.drop(slot) }
    }
    do throws(LaneFailure) {
      try awaitWriters()
      sendMaps()
      for (index, stream) in streams.enumerated() {
        if !streams[index...].contains(where: \.needsSource) { endReading() }
        progress.streamIndex.store(index, ordering: .relaxed)
        outcome.summaries.append(try send(stream))
      }
      endReading()
      try finish()
    } catch {
      outcome.failure = error
      endReading()
      abandon(error)
    }
    digests.stop()
    return outcome
  }

  private func endReading() {
    endOfReading()
    endOfReading = {}
  }

  /// Writers that have not failed.
  var writers: [PluginSession] { sessions.filter(\.isAlive) }

  private func awaitWriters() throws(LaneFailure) {
    while sessions.contains(where: { $0.isAlive && !$0.isRunning }) { try turn(nil) }
    try requireWriters()
  }

  private func sendMaps() {
    for stream in streams where stream.description.kind == .disk {
      let map = ChunkPlan.wireMap(stream.map)
      for session in writers { session.send(map: map, stream: stream.description.id) }
    }
  }

  private func finish() throws(LaneFailure) {
    while !writers.allSatisfy(\.isSettled) { try turn(nil) }
    try requireWriters()
    for session in writers { session.sendFinish() }
    while sessions.contains(where: { !$0.isOver }) { try turn(nil) }
  }

  func requireWriters() throws(LaneFailure) {
    if writers.isEmpty { throw .noWriters }
  }

  /// Ends every plugin: in order first, at once when the user insists.
  private func abandon(_ failure: LaneFailure) {
    for session in sessions { session.abort("the job was aborted") }
    while sessions.contains(where: { !$0.isOver }) {
      if stop.isUrgent { for session in sessions where !session.isOver { session.kill() } }
      do throws(LaneFailure) { try turn(nil, isEnding: true) } catch {
        for session in sessions where !session.isOver { session.kill() }
      }
    }
  }

  /// Waits once for anything, and lets everything move that can.
  ///
  /// - Parameters:
  ///   - reader: The current stream's, if it has reads in flight.
  ///   - secondsMax: Wakes up at the latest then.
  func turn(
    _ reader: (any DiskReader)?, secondsMax: Double = 1, isEnding: Bool = false
  ) throws(LaneFailure) {
    poller.removeAll()
    reader?.addDescriptors(to: &poller)
    poller.add(digests.descriptor, .readable)
    // Once a stop was seen its descriptor stays readable, and would keep us from sleeping.
    if !stop.isRequested { poller.add(stop.descriptor, .readable) }
    var now = MonotonicTime.now
    var seconds = isEnding ? min(secondsMax, 0.2) : secondsMax
    for session in sessions {
      session.addDescriptors(to: &poller)
      seconds = min(seconds, session.secondsToDeadline(now))
    }
    do throws(SystemCallError) { _ = try poller.wait(seconds: seconds) } catch {
      throw .system("\(error)")
    }
    now = .now
    for session in sessions { session.service(now) }
    digests.collect { board[$0].hasDigest = true }
    if stop.isRequested && !isEnding { throw .cancelled }
  }
}
