internal import JSON
internal import JobSupport
internal import QEMUControl
internal import Requests
internal import Synchronization
internal import System

/// Everything a job has in a running machine, and its cleanup: journal, watchdog, point in time,
/// quiesced filesystems.
///
/// It ends in two steps, in every outcome: ``release(keepsContents:)`` sets the guest free, as soon
/// as everything has been read; ``settle()`` ends the job, when its archives are published or it
/// has failed. If the process dies before, the watchdog cleans up.
final class GuestHold: Sendable {
  /// Seconds for the whole take-down; after that the watchdog has as many.
  static let takeDownSeconds = 5.0

  let monitor: any Monitor
  let journal: Journal
  let watchdog: GuestWatchdog
  let instant: PointInTime
  let watch: GuestWatch
  let quiesce: GuestQuiesce
  let events: EventSink
  private let continuesGuest: Bool
  private let remaining = Mutex<String?>(nil)
  private let isFree = Mutex(false)
  private let releasing = Mutex<Task<TakeDownOutcome, Never>?>(nil)

  init(
    monitor: any Monitor, journal: Journal, watchdog: GuestWatchdog, instant: PointInTime,
    agent: GuestAgent?, events: @escaping EventSink
  ) {
    self.monitor = monitor
    self.journal = journal
    self.watchdog = watchdog
    self.instant = instant
    self.events = events
    continuesGuest = journal.contents.guestRan
    watch = GuestWatch(instant, continuesGuest: continuesGuest)
    quiesce = GuestQuiesce(agent: agent, journal: journal, events: events)
  }

  /// What is left of the job after ``release(keepsContents:)``, if anything.
  var remainder: String? { remaining.withLock { $0 } }

  /// Whether the take-down has begun.
  var isReleasing: Bool { releasing.withLock { $0 != nil } }

  /// Sets the guest free: thaws, removes everything from QEMU, resumes the guest. Runs once: later
  /// callers wait for the same.
  ///
  /// - Parameter keepsContents: The images hold complete disks, which are read afterwards.
  @discardableResult
  func release(keepsContents: Bool = false) async -> TakeDownOutcome {
    let task = releasing.withLock { running in
      if let running { return running }
      // Not of the caller's task: a take-down is never cancelled.
      let task = Task.detached { await self.takeDown(keepsContents) }
      running = task
      return task
    }
    return await task.value
  }

  /// Ends the job, after ``release(keepsContents:)``: dismisses the watchdog and removes the
  /// journal. If something of it is left in QEMU, or the guest is frozen, both stay.
  func settle() async {
    guard isFree.withLock({ $0 }) else { return }
    await watchdog.dismiss()
    journal.remove()
  }

  private func takeDown(_ keepsContents: Bool) async -> TakeDownOutcome {
    async let thawed = quiesce.thaw()
    let started = MonotonicTime.now
    let outcome = await instant.takeDown(
      continuesGuest: continuesGuest, keepsContents: keepsContents, seconds: Self.takeDownSeconds)
    let isThawed = await thawed
    watch.end()
    isFree.withLock { $0 = outcome.isClean && isThawed }
    tell(outcome, MonotonicTime.now.seconds(since: started), isThawed)
    return outcome
  }

  private func tell(_ outcome: TakeDownOutcome, _ seconds: Double, _ isThawed: Bool) {
    if outcome.isQEMUGone { return }
    if outcome.isClean && isThawed {
      let milliseconds = (seconds * 1000).rounded()
      return events(
        .guest(
          GuestStep(
            "taken-down", "backup nodes and jobs removed from QEMU in \(Int(milliseconds)) ms",
            ["milliseconds": .real(milliseconds)])))
    }
    let what = Self.remainder(outcome, isThawed)
    remaining.withLock { $0 = what }
    events(
      .warning(
        "cleaning up QEMU is incomplete (\(what)); the watchdog continues for "
          + "\(Int(Watchdog.seconds)) s", .recoverLater(socket: journal.contents.qmp)))
  }

  private static func remainder(_ outcome: TakeDownOutcome, _ isThawed: Bool) -> String {
    if !outcome.left.isEmpty {
      return "still in QEMU: " + outcome.left.joined(separator: ", ")
    }
    guard isThawed else { return "the guest may still be frozen" }
    return outcome.failure.map { "\($0)" } ?? ""
  }
}
