package import BackupProtocol
internal import CLinux
internal import Hashing
internal import PluginHost
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

  private let archive: ArchiveSession
  private let buffers: SharedPool
  private let digests: DigestWorkers

  /// - Parameter digestThreads: 1…8.
  package init(_ archive: ArchiveSession, digestThreads: Int) throws(SystemCallError) {
    self.archive = archive
    buffers = try SharedPool(
      PoolShape(slotCount: 2 * digestThreads + 2, slotBytes: Int(TreeDigest.chunkBytes)),
      name: "sluice-assembly")
    digests = try DigestWorkers(pool: buffers, threadCount: digestThreads)
  }

  /// Reads every stream the plan wants; blocks until the plugin is gone.
  package func run(_ plan: Plan) -> Outcome {
    var outcome = Outcome()
    let progress = archive.progress
    do throws(LaneFailure) {
      let ack = try archive.open()
      try plan.accept(ack)
      let wanted = plan.choose(ack.streams)
      progress.totalBytes.store(try Self.byteCount(wanted), ordering: .relaxed)
      for (index, stream) in wanted.enumerated() {
        progress.streamIndex.store(index, ordering: .relaxed)
        outcome.summaries.append(try receive(stream, plan))
      }
      outcome.hasAllStreams = true
      try archive.finish()
    } catch {
      outcome.failure = error
      archive.abandon()
    }
    digests.stop()
    return outcome
  }

  /// - Throws: `LaneFailure` if the size of one is not known, before any of them is read.
  private static func byteCount(_ streams: [StreamDescription]) throws(LaneFailure) -> UInt64 {
    var sum: UInt64 = 0
    for stream in streams { sum += try stream.knownSize() }
    return sum
  }

  private func receive(
    _ stream: StreamDescription, _ plan: Plan
  ) throws(LaneFailure) -> StreamSummary {
    let size = try stream.knownSize()
    let started = MonotonicTime.now
    let reception = StreamReception(
      stream: stream.id, request: archive.ask(ReadFrame(), stream: stream.id),
      pool: archive.pool, usesPool: archive.plugin.usesPool,
      assembler: StreamAssembler(
        name: stream.name, size: size, isIncremental: stream.isIncremental, buffers: buffers,
        workers: digests, target: try plan.target(stream, buffers), stop: archive.stop))
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
    archive.expect(reception)
    defer { archive.expect(nil) }
    do throws(LaneFailure) {
      while !reception.isDone { try archive.turn() }
    } catch {
      guard case .noWriters = error, plan.keepDamaged != nil else { throw error }
      return try reception.giveUp(archive.plugin.failureText ?? "the plugin is gone")
    }
    if let digest = reception.digest { return digest }
    let status = reception.status
    guard plan.keepDamaged != nil else {
      throw .unreadable(stream: stream.name, status, archive.plugin.readFailure(status))
    }
    return try reception.giveUp(archive.plugin.readFailureText(status))
  }
}
