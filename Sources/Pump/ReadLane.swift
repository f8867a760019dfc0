package import BackupProtocol
internal import CLinux
internal import Hashing
package import PluginHost
package import SharedPool
internal import Synchronization
package import System

/// One thread that takes streams out of an archive through a reader plugin: restore and verify.
///
/// The plugin's pool is writable by the plugin, so nothing in it is trusted: see
/// ``StreamAssembler``. Specified in protocol.md §7.
package final class ReadLane {
  package struct Outcome {
    /// What the archive holds; empty until the plugin has accepted the job.
    package var summaries: [StreamSummary] = []
    package var failure: LaneFailure?
    /// Whether every wanted stream came, whole or not: what failed after that is the archive's end.
    package var hasAllStreams = false
  }

  /// Decides what happens to the archive's streams.
  package struct Plan {
    /// Called once with what the archive says it holds; throws to refuse it.
    package var accept: (JobAck) throws(LaneFailure) -> Void
    /// Where a stream goes; `nil` only verifies it. The pool holds the bytes that are put there.
    package var target: (StreamDescription, SharedPool) throws(LaneFailure) -> (any ReadTarget)?
    /// The streams that are read, in this order.
    package var choose: ([StreamDescription]) -> [StreamDescription]
    /// Called when a stream is complete.
    package var check: (StreamDescription, Digest) throws(LaneFailure) -> Void
    /// Called instead for a stream of which a part could not be read. Without it the first damage
    /// fails the job.
    package var keepDamaged: ((StreamDescription, StreamDamage) throws(LaneFailure) -> Void)?

    package init(
      accept: @escaping (JobAck) throws(LaneFailure) -> Void,
      target: @escaping (StreamDescription, SharedPool) throws(LaneFailure) -> (any ReadTarget)?,
      choose: @escaping ([StreamDescription]) -> [StreamDescription],
      check: @escaping (StreamDescription, Digest) throws(LaneFailure) -> Void
    ) {
      self.accept = accept
      self.target = target
      self.choose = choose
      self.check = check
    }
  }

  private let session: PluginSession
  private let pool: SharedPool
  private let buffers: SharedPool
  private let digests: DigestWorkers
  private let progress: LaneProgress
  private let stop: StopSignal
  private var rateLimit: RateLimit?
  private var poller = Poller()
  private var reception: StreamReception?
  private var failure: LaneFailure?

  /// - Parameters:
  ///   - pool: The plugin's, writable by it.
  ///   - rateLimit: Bytes of data a second, or `nil`.
  ///   - digestThreads: 1…8.
  package init(
    session: PluginSession, pool: SharedPool, rateLimit: UInt64? = nil, digestThreads: Int,
    progress: LaneProgress, stop: StopSignal
  ) throws(SystemCallError) {
    self.session = session
    self.pool = pool
    self.progress = progress
    self.stop = stop
    self.rateLimit = rateLimit.map { RateLimit(bytesPerSecond: $0, now: .now) }
    buffers = try SharedPool(
      PoolShape(slotCount: 2 * digestThreads + 2, slotBytes: Int(TreeDigest.chunkBytes)),
      name: "sluice-assembly")
    digests = try DigestWorkers(pool: buffers, threadCount: digestThreads)
  }

  /// Reads every stream the plan wants; blocks until the plugin is gone.
  package func run(_ plan: Plan) -> Outcome {
    var outcome = Outcome()
    session.handlers.produced = { [unowned self] header, payload throws(WireError) in
      try produced(header, payload)
    }
    do throws(LaneFailure) {
      try wait(until: \.isRunning)
      let ack = session.jobAck ?? JobAck()
      // Nobody makes an archive of nothing: what is read as one has lost what was in it.
      guard !ack.streams.isEmpty else { throw .emptyArchive }
      try plan.accept(ack)
      let wanted = plan.choose(ack.streams)
      progress.totalBytes.store(wanted.reduce(0) { $0 + ($1.size ?? 0) }, ordering: .relaxed)
      for (index, stream) in wanted.enumerated() {
        progress.streamIndex.store(index, ordering: .relaxed)
        outcome.summaries.append(try receive(stream, plan))
      }
      outcome.hasAllStreams = true
      // The limit's time passes before the plugin owes its end, not meanwhile.
      while try rest() {}
      if session.isAlive { session.sendFinish() }
      try wait(until: \.isOver)
    } catch {
      outcome.failure = error
      abandon()
    }
    digests.stop()
    return outcome
  }

  private func receive(
    _ stream: StreamDescription, _ plan: Plan
  ) throws(LaneFailure) -> StreamSummary {
    guard let size = stream.size else {
      throw .archive(stream: stream.name, "has no size")
    }
    let started = MonotonicTime.now
    let reception = StreamReception(
      stream: stream.id, request: session.isAlive ? session.sendReadAll(stream: stream.id) : 0,
      pool: pool, usesPool: session.usesPool,
      assembler: StreamAssembler(
        name: stream.name, size: size, isIncremental: stream.isIncremental, buffers: buffers,
        workers: digests, target: try plan.target(stream, buffers), stop: stop))
    let digest = try take(reception, stream, plan)
    let damage = try judge(stream, reception, digest, plan)
    return StreamSummary(
      name: stream.name, size: size, readBytes: reception.assembler.receivedBytes,
      dataBytes: reception.assembler.dataBytes, digest: digest,
      seconds: MonotonicTime.now.seconds(since: started), damage: damage)
  }

  /// Compares a stream with its receipt, and with what the plugin says of it.
  ///
  /// - Returns: What is damaged of it; nothing, unless damage is kept.
  private func judge(
    _ stream: StreamDescription, _ reception: StreamReception, _ digest: Digest, _ plan: Plan
  ) throws(LaneFailure) -> StreamDamage {
    var damage = reception.assembler.damage
    let isFalse = [stream.digest ?? .none, reception.claimedDigest].contains {
      $0.algorithm == digest.algorithm && $0 != digest
    }
    if let keepDamaged = plan.keepDamaged, isFalse || !damage.isEmpty {
      if damage.isEmpty { damage.addSomewhere("its digest differs from that in the archive") }
      try keepDamaged(stream, damage)
      return damage
    }
    // The receipt's word comes first: it says that the archive is damaged, the other that the
    // plugin is wrong.
    try plan.check(stream, digest)
    if isFalse { throw .falseDigest(stream: stream.name) }
    return damage
  }

  /// Takes the answer to a READ. In a salvage a plugin that fails has lost the rest of the stream;
  /// one that is gone, the whole of the next ones.
  private func take(
    _ reception: StreamReception, _ stream: StreamDescription, _ plan: Plan
  ) throws(LaneFailure) -> Digest {
    self.reception = reception
    defer { self.reception = nil }
    do throws(LaneFailure) {
      while !reception.isDone { try turn() }
    } catch {
      guard case .noWriters = error, plan.keepDamaged != nil else { throw error }
      return try reception.giveUp(session.failureText ?? "the plugin is gone")
    }
    if let digest = reception.digest { return digest }
    let status = reception.status
    guard plan.keepDamaged != nil else {
      throw .unreadable(stream: stream.name, status, session.readFailure(status))
    }
    return try reception.giveUp(session.readFailureText(status))
  }

  /// A stream frame came: checks its place and takes it.
  private func produced(_ header: FrameHeader, _ payload: RawSpan) throws(WireError) {
    guard let reception, header.stream == reception.stream, failure == nil else {
      // After a failure of ours the plugin's answers are of no consequence.
      if failure != nil { return }
      throw .unrequested(header.type)
    }
    let frame = try StreamFrame(header.type, parsing: payload)
    try reception.admit(frame)
    let before = reception.assembler.position
    do throws(LaneFailure) { try reception.take(frame, payload) } catch { failure = error }
    // Where the bytes go may have taken its time: that is none of the plugin's.
    session.excuse(.now)
    let moved = reception.assembler.position - before
    progress.passed(moved)
    if header.type == .data {
      progress.read(moved)
      rateLimit?.take(Int(moved))
      session.sendRelease(sequence: header.sequence)
    }
  }

  private func wait(until condition: (PluginSession) -> Bool) throws(LaneFailure) {
    while !condition(session) { try turn() }
  }

  /// Lets the rate limit's time pass: what the plugin sends meanwhile stays in its pipe, and it
  /// waits for slots, which is none of its faults.
  ///
  /// - Returns: Whether there was time to pass.
  private func rest() throws(LaneFailure) -> Bool {
    guard let delay = rateLimit?.delay(.now), delay > 0 else { return false }
    poller.removeAll()
    poller.add(stop.descriptor, .readable)
    do throws(SystemCallError) { _ = try poller.wait(seconds: min(delay, 1)) } catch {
      throw .system("\(error)")
    }
    session.excuse(.now)
    if stop.isRequested { throw .cancelled }
    return true
  }

  private func turn(isEnding: Bool = false) throws(LaneFailure) {
    if !isEnding, try rest() { return }
    poller.removeAll()
    session.addDescriptors(to: &poller)
    if !stop.isRequested { poller.add(stop.descriptor, .readable) }
    let seconds = min(isEnding ? 0.2 : 1, session.secondsToDeadline(.now))
    do throws(SystemCallError) { _ = try poller.wait(seconds: seconds) } catch {
      throw .system("\(error)")
    }
    session.service(.now)
    if isEnding { return }
    if let failure { throw failure }
    if stop.isRequested { throw .cancelled }
    if !session.isAlive && session.finished == nil { throw .noWriters }
  }

  private func abandon() {
    session.abort("the job was aborted")
    while !session.isOver {
      if stop.isUrgent { session.kill() }
      do throws(LaneFailure) { try turn(isEnding: true) } catch { session.kill() }
    }
  }
}
