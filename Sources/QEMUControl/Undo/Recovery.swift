internal import System

/// What jobs before this one have left in a QEMU, and the way to be rid of it.
package struct Recovery: Sendable {
  /// Jobs whose coordinator lives.
  package private(set) var live: [JournalContents] = []
  /// Jobs whose coordinator is dead; their locks are held by this value.
  package private(set) var stale: [Journal] = []
  /// Jobs without a journal here.
  package private(set) var unknown: [JobMark] = []

  /// Whether no job but those of this process has anything in QEMU.
  package var isEmpty: Bool { live.isEmpty && stale.isEmpty && unknown.isEmpty }

  /// Looks at QEMU and at the journals.
  ///
  /// A stale journal of this socket counts also where QEMU holds nothing: the guest may be frozen.
  ///
  /// - Parameters:
  ///   - qmp: The absolute path that journals name QEMU by.
  ///   - own: The job that asks; it is left out.
  package static func examine(
    _ monitor: any Monitor, qmp: String, own: JobMark? = nil,
    journals directory: String = Journal.usualDirectory(), seconds: Double = 10
  ) async throws(ControlError) -> Recovery {
    var recovery = Recovery()
    let inQEMU = try await MarkedThings.find(monitor, of: nil, seconds: seconds).marks
    let known = Journal.list(in: directory)
    for mark in inQEMU.union(known).sorted(by: { $0.id < $1.id }) where mark != own {
      do throws(SystemCallError) {
        try recovery.add(mark, isInQEMU: inQEMU.contains(mark), qmp: qmp, directory)
      } catch {
        throw .system(error)
      }
    }
    return recovery
  }

  private mutating func add(
    _ mark: JobMark, isInQEMU: Bool, qmp: String, _ directory: String
  ) throws(SystemCallError) {
    // That of another machine is left alone.
    let isOfOther = Journal.peek(mark, in: directory).map { $0.qmp != qmp } ?? false
    if isOfOther && !isInQEMU { return }
    switch try Journal.find(mark, in: directory) {
    case .live(let contents):
      // One that has not put anything into this QEMU yet is about to.
      if isInQEMU || contents.qmp == qmp { live.append(contents) }
    case .stale(let journal):
      if isInQEMU || journal.contents.qmp == qmp { stale.append(journal) }
    case .absent:
      if isInQEMU { unknown.append(mark) }
    }
  }

  /// Refuses where a new job may not begin; what is stale may be taken down first.
  package func requireNoOtherJob() throws(ControlError) {
    if let other = live.first {
      throw .anotherBackup(
        job: other.mark.id, process: other.process > 0 ? other.process : nil)
    }
    if !unknown.isEmpty { throw .unknownJobs(unknown.map(\.id)) }
  }

  /// Takes down the stale jobs, and the unknown ones if wanted; never a live one.
  ///
  /// The journal of what is gone goes too, and a guest that such a job has left frozen is thawed.
  ///
  /// - Returns: By job, what was done.
  package func takeDown(
    _ monitor: any Monitor, includingUnknown: Bool = false, seconds: Double = 10
  ) async -> [(mark: JobMark, outcome: TakeDownOutcome, thaw: ThawOutcome)] {
    let deadline = MonotonicTime.now.advanced(bySeconds: seconds)
    var done: [(JobMark, TakeDownOutcome, ThawOutcome)] = []
    for journal in stale {
      let outcome = await TakeDown.run(
        monitor, of: journal.mark, knowing: journal.contents.knowledge,
        seconds: deadline.seconds(since: .now))
      let thaw = await Self.thaw(journal.contents, seconds: deadline.seconds(since: .now))
      if outcome.isClean && thaw.isClean { journal.remove() }
      done.append((journal.mark, outcome, thaw))
    }
    for mark in includingUnknown ? unknown : [] {
      let outcome = await TakeDown.run(
        monitor, of: mark, seconds: deadline.seconds(since: .now))
      done.append((mark, outcome, .notNeeded))
    }
    return done
  }

  private static func thaw(_ contents: JournalContents, seconds: Double) async -> ThawOutcome {
    guard contents.isFrozen, let path = contents.agent else { return .notNeeded }
    do throws(AgentError) {
      let agent = try await GuestAgent.connect(path: path, seconds: min(3, max(0.5, seconds)))
      return .thawed(filesystems: try await agent.thaw(seconds: min(3, max(0.5, seconds))))
    } catch {
      // Where nobody listens the guest has ended.
      if case .cannotConnect = error { return .guestGone }
      return .failed(error)
    }
  }
}
