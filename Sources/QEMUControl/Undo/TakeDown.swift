internal import JSON
internal import System

/// Removes from QEMU everything of a job, by its mark alone.
///
/// It lists, removes what can be removed, and lists again, until nothing is left: so it works after
/// any step of a job or of another take-down, even concurrently with one. Order: a capture of RAM
/// (then a guest that it paused is resumed), exports, the NBD server, jobs (then the guest is
/// resumed), bitmaps, overlays, files, descriptors. Dirty bitmaps that backups continue from
/// (`BitmapName`) bear no mark, and stay.
package enum TakeDown {
  /// What the caller knows beside the mark.
  package struct Knowledge: Equatable, Sendable {
    /// The NBD server was started by the job: from the journal.
    package var ownsNBDServer: Bool
    /// Resume a guest paused by an I/O error: it ran when the job started.
    package var continuesGuest: Bool
    /// The images are read afterwards: only by a live coordinator.
    package var keepsContents: Bool
    /// What a capture of RAM has changed: from the journal.
    package var vmState: VMStateUndo?

    package init(
      ownsNBDServer: Bool = false, continuesGuest: Bool = true, keepsContents: Bool = false,
      vmState: VMStateUndo? = nil
    ) {
      self.ownsNBDServer = ownsNBDServer
      self.continuesGuest = continuesGuest
      self.keepsContents = keepsContents
      self.vmState = vmState
    }
  }

  /// Removes everything of one job, or of all jobs.
  ///
  /// Never throws and never waits longer than `seconds`; may be repeated.
  ///
  /// - Parameter mark: `nil` is every job.
  package static func run(
    _ monitor: any Monitor, of mark: JobMark?, knowing knowledge: Knowledge = Knowledge(),
    seconds: Double
  ) async -> TakeDownOutcome {
    var work = TakeDownWork(
      monitor: monitor, mark: mark, knowledge: knowledge,
      deadline: .now.advanced(bySeconds: seconds))
    return await work.run()
  }

  /// Resumes a guest that was paused by an I/O error; no other.
  ///
  /// - Returns: Whether it did.
  package static func continueGuest(
    _ monitor: any Monitor, seconds: Double
  ) async throws(QMPError) -> Bool {
    let deadline = MonotonicTime.now.advanced(bySeconds: seconds)
    let status = try await monitor.execute("query-status", seconds: seconds)
    guard status["status"] == "io-error" else { return false }
    _ = try await monitor.execute("cont", seconds: deadline.seconds(since: .now))
    return true
  }
}

/// One take-down at work.
struct TakeDownWork {
  let monitor: any Monitor
  let mark: JobMark?
  let knowledge: TakeDown.Knowledge
  let deadline: MonotonicTime
  private var outcome = TakeDownOutcome()
  private var seen: [String] = []
  private var stopsNBD: Bool
  private var continuesGuest: Bool
  private var vmState: VMStateRemoval?

  init(monitor: any Monitor, mark: JobMark?, knowledge: TakeDown.Knowledge, deadline: MonotonicTime)
  {
    self.monitor = monitor
    self.mark = mark
    self.knowledge = knowledge
    self.deadline = deadline
    stopsNBD = knowledge.ownsNBDServer
    continuesGuest = knowledge.continuesGuest
    vmState = mark.flatMap { mark in
      knowledge.vmState.map { VMStateRemoval($0, of: mark, monitor) }
    }
  }

  mutating func run() async -> TakeDownOutcome {
    var found = MarkedThings()
    do throws(ControlError) {
      repeat {
        // Someone who waits for an answer of QEMU for the whole time gets one more chance to look.
        try await undoVMState()
        found = try await MarkedThings.find(monitor, of: mark, seconds: max(0.5, left))
        note(found)
        try await step(found)
        if found.isEmpty && !stopsNBD && vmState == nil { break }
        if !found.isEmpty {
          await pause(milliseconds: 3)
        } else if vmState != nil {
          await pause(milliseconds: 20)
        }
      } while left > 0
    } catch {
      outcome.failure = error
    }
    outcome.left = outcome.isQEMUGone ? [] : found.names
    if vmState != nil && !outcome.isQEMUGone { outcome.left.append(VMStateRemoval.name) }
    outcome.removed = seen.filter { !outcome.left.contains($0) }
    if outcome.left.isEmpty && !outcome.isQEMUGone { outcome.failure = failureThatCounts }
    return outcome
  }

  /// A refusal that something later made good does not count.
  private var failureThatCounts: ControlError? {
    if case .qmp(.refused) = outcome.failure { nil } else { outcome.failure }
  }

  private var left: Double { deadline.seconds(since: .now) }

  private mutating func note(_ found: MarkedThings) {
    for name in found.names where !seen.contains(name) { seen.append(name) }
    // Whoever has an NBD export of this mark has started the server: it is never borrowed.
    if found.exports.contains(where: \.isNBD) { stopsNBD = true }
  }

  /// Ends a capture of RAM; tried again as long as QEMU refuses.
  private mutating func undoVMState() async throws(ControlError) {
    guard var removal = vmState else { return }
    do throws(QMPError) {
      let (isDone, hasResumed) = try await removal.step(seconds: max(0.5, left))
      outcome.hasContinuedGuest = outcome.hasContinuedGuest || hasResumed
      vmState = isDone ? nil : removal
    } catch {
      vmState = removal
      try swallow(error)
    }
  }

  private mutating func step(_ found: MarkedThings) async throws(ControlError) {
    for export in found.exports where !export.isShuttingDown {
      try await attempt("block-export-del", ["id": .string(export.id), "mode": "hard"])
    }
    if stopsNBD && !found.exports.contains(where: \.isNBD) {
      stopsNBD = false
      // With exports of somebody else it has become theirs.
      if !found.hasForeignNBD { outcome.hasStoppedNBD = try await attempt("nbd-server-stop") }
    }
    for job in found.jobs { try await end(job) }
    if found.jobs.isEmpty { try await continueGuest() }
    if found.jobs.isEmpty && found.exports.isEmpty {
      try await remove(found.bitmaps)
      try await remove(found.nodes)
    }
    if found.isEmpty {
      for set in found.descriptorSets {
        try await attempt("remove-fd", ["fdset-id": .integer(set.number)])
      }
    }
  }

  private mutating func end(_ job: MarkedThings.Job) async throws(ControlError) {
    switch job.status {
    case "concluded": try await attempt("job-dismiss", ["id": .string(job.id)])
    // On its way to an end; it becomes "concluded".
    case "aborting", "null", "undefined": break
    default: try await attempt("job-cancel", ["id": .string(job.id)])
    }
  }

  private mutating func continueGuest() async throws(ControlError) {
    // Where all jobs are meant, a guest that none of ours touched is not ours to continue.
    guard continuesGuest, mark != nil || !seen.isEmpty else { return }
    continuesGuest = false
    do throws(QMPError) {
      let isContinued = try await TakeDown.continueGuest(monitor, seconds: max(0.5, left))
      outcome.hasContinuedGuest = outcome.hasContinuedGuest || isContinued
    } catch {
      try swallow(error)
    }
  }

  private mutating func remove(_ bitmaps: [MarkedThings.Bitmap]) async throws(ControlError) {
    for bitmap in bitmaps {
      try await attempt(
        "block-dirty-bitmap-remove",
        ["node": .string(bitmap.node), "name": .string(bitmap.name)])
    }
  }

  /// Overlays first: a file in use does not go.
  private mutating func remove(_ nodes: [String]) async throws(ControlError) {
    let files = nodes.filter { JobMark(markOf: $0)?.kind(of: $0).first == "f" }
    var users: [String] = []
    for node in nodes where !files.contains(node) {
      let isGone = try await attempt("blockdev-del", ["node-name": .string(node)])
      if !isGone { users.append(node) }
    }
    for node in files where !users.contains(overlay(on: node)) {
      // While the guest stands still QEMU keeps the descriptor: at least without its contents.
      if !knowledge.keepsContents {
        try await attempt("block_resize", ["node-name": .string(node), "size": 0])
      }
      try await attempt("blockdev-del", ["node-name": .string(node)])
    }
  }

  /// The overlay of the same disk: only the letter differs.
  private func overlay(on file: String) -> String {
    guard let mark = JobMark(markOf: file) else { return "" }
    return "\(mark.prefix)o\(mark.kind(of: file).dropFirst())"
  }

  /// Asks QEMU for something that it may refuse.
  ///
  /// - Returns: Whether it was done.
  @discardableResult
  private mutating func attempt(
    _ command: String, _ arguments: JSONObject = [:]
  ) async throws(ControlError) -> Bool {
    guard left > 0 else { return false }
    do throws(QMPError) {
      _ = try await monitor.execute(command, arguments, seconds: left)
      return true
    } catch {
      try swallow(error)
      return false
    }
  }

  /// Remembers a refusal; whatever ends the conversation ends the work.
  private mutating func swallow(_ error: QMPError) throws(ControlError) {
    // What QEMU said explains more than that time was up behind it.
    if case .notInTime = error, case .qmp(.refused) = outcome.failure { return }
    outcome.failure = .qmp(error)
    switch error {
    case .refused, .notInTime, .busy: break
    default: throw .qmp(error)
    }
  }
}
