internal import ArchiveJobs
package import BackupProtocol
package import JobSupport
package import Requests
internal import System

/// What a job of a level is to do, before its source is opened.
package struct IncrementOrder: Sendable {
  package let level: IncrementRequest.Level
  private let candidates: [ParentCandidates.Backup]
  private let receipts: [String: Receipt]
  private let surroundings: Surroundings
  private let stop: StopSignal

  init(
    _ request: IncrementRequest, _ outputs: [BackupPlan.Output], _ surroundings: Surroundings,
    stop: StopSignal
  ) throws(JobError) {
    level = request.level
    candidates = try ParentCandidates(outputs, request, surroundings).backups
    receipts = Dictionary(
      candidates.map { ($0.receipt.job, $0.receipt) },
      uniquingKeysWith: { first, _ in first })
    self.surroundings = surroundings
    self.stop = stop
  }

  /// Chooses the backup that the new one refers to.
  ///
  /// - Parameters:
  ///   - machine: What is backed up.
  ///   - disks: Names of its disks.
  ///   - isPreferred: Whether a backup can be referred to cheaply, by its receipt: of the newest
  ///     chain the newest of those is taken, if there is one.
  /// - Returns: No parent where `auto` makes a full backup, and why.
  /// - Throws: `JobError` of status `.unavailable` if another level cannot be; nothing has started.
  package func parent(
    of machine: Job.Machine, disks: [String], isPreferred: (Receipt) -> Bool = { _ in false }
  ) throws(JobError) -> ChosenParent {
    guard level != .full else { return ChosenParent(whyNone: "a full backup was requested") }
    do throws(JobError) {
      let fitting = try fitting(machine, disks)
      let root = root(of: fitting[0].receipt)
      let backup =
        fitting.first { self.root(of: $0.receipt) == root && isPreferred($0.receipt) }
        ?? fitting[0]
      return ChosenParent(
        try ParentArchive(backup, surroundings, stop: stop), level: made,
        superseded: superseded(by: backup.receipt))
    } catch {
      guard level == .auto, error.status != .interrupted else { throw error }
      // The first of a chain is no reason to worry.
      if !candidates.isEmpty {
        surroundings.events(.warning("a full backup is made: \(error)", error.remedy))
      }
      return ChosenParent(whyNone: error.description)
    }
  }

  /// The job of the full backup that a chain begins with, as far as its archives are there.
  private func root(of receipt: Receipt) -> String {
    var (job, next) = (receipt.job, receipt.parent?.job)
    for _ in 0..<ArchiveChain.lengthMax {
      guard let parent = next else { break }
      job = parent
      next = receipts[parent]?.parent?.job
    }
    return job
  }

  /// Jobs of backups from which none will go on once this one is there: those of older chains, and
  /// of this chain those that it takes the place of. The full one stays for
  /// differential backups, until an increment goes on from it.
  private func superseded(by parent: Receipt) -> [String] {
    let root = root(of: parent)
    let began = receipts[root]?.instant?.text ?? ""
    return candidates.map(\.receipt).filter { receipt in
      guard receipt.job != parent.job, receipt.job != root else { return false }
      // Of one second, too: the chain that goes on is the one that counts.
      if self.root(of: receipt) != root { return (receipt.instant?.text ?? "") <= began }
      return made == .incremental || receipt.level == .differential
    }.map(\.job)
  }

  /// The level of what is made.
  private var made: BackupLevel { level == .differential ? .differential : .incremental }

  private func fitting(
    _ machine: Job.Machine, _ disks: [String]
  ) throws(JobError) -> [ParentCandidates.Backup] {
    guard !candidates.isEmpty else {
      throw JobError(.unavailable, "no backup of this format was found where the parent should be")
    }
    let ofMachine = candidates.filter { $0.receipt.vm.isSame(as: machine) }
    guard !ofMachine.isEmpty else {
      throw JobError(.unavailable, "the parent is of another VM: \(candidates[0].receipt.vm.shown)")
    }
    let able = ofMachine.filter { backup in
      backup.receipt.contents.keys.contains(where: disks.contains)
    }
    guard !able.isEmpty else {
      throw JobError(
        .unavailable, "the parent has none of the disks, or no digests: \(ofMachine[0].paths[0])")
    }
    guard level == .differential else { return able }
    let full = able.filter { $0.receipt.level == .full }
    guard !full.isEmpty else {
      throw JobError(.unavailable, "a differential backup needs a full one as its parent")
    }
    return full
  }
}

/// The parent of a job, or why it has none.
package struct ChosenParent: Sendable {
  package let parent: ParentArchive?
  package let level: BackupLevel
  package let whyNone: String
  /// Jobs of backups that nobody goes on from once this one is there.
  package let superseded: [String]

  init(_ parent: ParentArchive, level: BackupLevel, superseded: [String]) {
    (self.parent, self.level, whyNone) = (parent, level, "")
    self.superseded = superseded
  }

  init(whyNone: String) {
    (parent, level, self.whyNone) = (nil, .full, whyNone)
    superseded = []
  }
}

extension Job.Machine {
  /// Whether two backups can be of one machine: what both know of it is the same.
  fileprivate func isSame(as other: Job.Machine) -> Bool {
    if !uuid.isEmpty && !other.uuid.isEmpty { return uuid == other.uuid }
    if !id.isEmpty && !other.id.isEmpty && id != other.id { return false }
    return name.isEmpty || other.name.isEmpty || name == other.name
  }

  fileprivate var shown: String {
    cleaned([name, id, uuid].first { !$0.isEmpty } ?? "without a name")
  }
}
