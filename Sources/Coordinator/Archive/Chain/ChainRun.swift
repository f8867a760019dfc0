internal import BackupProtocol
internal import JobSupport
internal import Pump
internal import SharedPool
internal import Synchronization
internal import System

/// One reading of a chain: a reader plugin and a thread for each archive, whose streams are merged
/// where the wanted archive's are taken. Specified in protocol.md §7.6.
final class ChainRun: Sendable {
  private let job: ReadJob
  private let chain: ArchiveChain
  private let feeds: [LevelFeed]
  private let failures: Mutex<[Int: JobError]> = Mutex([:])

  init(_ job: ReadJob, _ chain: ArchiveChain) {
    self.job = job
    self.chain = chain
    feeds = chain.parents.map { _ in LevelFeed() }
  }

  /// Blocks until every plugin is gone.
  ///
  /// - Throws: `JobError`: why a parent could not be read, before what followed from it.
  func run(doing name: String, _ plan: ReadLane.Plan) throws(JobError) -> JobReport {
    var threads: [WorkerThread] = []
    defer {
      close()
      for thread in threads { thread.join() }
    }
    for level in feeds.indices {
      threads.append(
        try attempt("start reading") { () throws(SystemCallError) in
          try WorkerThread(name: "sluice-parent") { [self] in read(level) }
        })
    }
    let result: Result<JobReport, JobError>
    do throws(JobError) {
      result = .success(try job.runAlone(.read, doing: name, try merging(plan)))
    } catch { result = .failure(error) }
    close()
    for thread in threads { thread.join() }
    threads = []
    if let (level, failure) = failures.withLock({ $0.min { $0.key < $1.key } }) {
      throw failure.saying(
        "parent \(chain.parents[level].path): \(failure.description)", hint: failure.remedy)
    }
    return try result.get()
  }

  private func close() { for feed in feeds { feed.close() } }

  /// The plan with targets that take what is unchanged from the parents.
  private func merging(_ plan: ReadLane.Plan) throws(JobError) -> ReadLane.Plan {
    let memory = try attempt("allocate the pool") { () throws(SystemCallError) in
      try SharedPool(PoolShape(slotCount: 1), name: "sluice-merge")
    }
    var merging = plan
    merging.choose = { [chain, feeds] streams in
      let wanted = plan.choose(streams)
      for (level, feed) in feeds.enumerated() {
        feed.want(wanted.map(\.name).filter { chain.depth(of: $0) > level })
      }
      return wanted
    }
    merging.target = { [job, chain, feeds] stream, pool throws(LaneFailure) in
      guard stream.isIncremental else { return try plan.target(stream, pool) }
      guard let target = try plan.target(stream, memory) else { return nil }
      return try MergeTarget(
        stream, parent: chain.wanted(of: 0)?.streams[stream.name],
        levels: Array(feeds.prefix(chain.depth(of: stream.name))), memory: memory, to: target,
        stop: job.stop)
    }
    return merging
  }

  /// The thread of a parent.
  private func read(_ level: Int) {
    let feed = feeds[level]
    defer { feed.leave() }
    let parent = ReadJob(
      archive: chain.parents[level], surroundings: job.surroundings.reading(depth: level + 1),
      stop: job.stop,
      shows: .nothing, rateLimit: job.rateLimit)
    do throws(JobError) {
      _ = try parent.runAlone(.read, doing: "read", offering(level, feed))
    } catch {
      // Nobody wants the rest, or the user does not.
      guard error.status != .interrupted else { return }
      failures.withLock { $0[level] = error }
    }
  }

  private func offering(_ level: Int, _ feed: LevelFeed) -> ReadLane.Plan {
    let archive = chain.parents[level]
    let receipts = ReceiptCheck(receipt: archive.receipt)
    let (wanted, refersTo) = (chain.wanted(of: level), archive.receipt?.parent)
    return ReadLane.Plan(
      accept: { ack throws(LaneFailure) in try receipts.accept(ack.streams) },
      target: { stream, pool throws(LaneFailure) in
        try LevelTarget(stream, feed, parent: refersTo?.streams[stream.name], memory: pool)
      },
      choose: { streams in
        feed.wanted().compactMap { name in streams.first { $0.name == name } }
      },
      check: { stream, digest throws(LaneFailure) in
        try receipts.check(stream, digest)
        guard wanted?.streams[stream.name]?.digest == digest else {
          throw .archive(stream: stream.name, "is not what the increment refers to")
        }
        feed.prove()
      })
  }
}
