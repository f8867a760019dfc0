internal import JSON
internal import QEMUControl
internal import Synchronization
internal import System

/// Everything a job has in a running machine, and its way out: journal, watchdog, the instant, the
/// agent that holds the guest's filesystems.
///
/// ``release()`` is called in every outcome. Whoever dies before leaves it to the watchdog.
final class GuestHold: Sendable {
  /// Seconds for all of a take-down; then the watchdog has as many.
  static let takeDownSeconds = 5.0

  let client: QMPClient
  let journal: Journal
  let watchdog: GuestWatchdog
  let instant: PointInTime
  let watch: GuestWatch
  let frost: GuestFrost
  private let events: EventSink
  private let continuesGuest: Bool
  private let remaining = Mutex<String?>(nil)
  private let releasing = Mutex<Task<TakeDownOutcome, Never>?>(nil)

  init(
    client: QMPClient, journal: Journal, watchdog: GuestWatchdog, instant: PointInTime,
    agent: GuestAgent?, events: @escaping EventSink
  ) {
    self.client = client
    self.journal = journal
    self.watchdog = watchdog
    self.instant = instant
    self.events = events
    continuesGuest = journal.contents.guestRan
    watch = GuestWatch(instant, continuesGuest: continuesGuest)
    frost = GuestFrost(agent: agent, journal: journal, events: events)
  }

  /// What of the job may still hold the guest up, after ``release(keepsContents:)``, if anything.
  var remainder: String? { remaining.withLock { $0 } }

  /// Whether the take-down has begun.
  var isReleasing: Bool { releasing.withLock { $0 != nil } }

  /// Thaws, takes everything down, lets the guest go on, dismisses the watchdog, removes the
  /// journal. Once: whoever comes later waits for the same.
  ///
  /// - Parameter keepsContents: The stores hold whole disks, which are read afterwards.
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

  private func takeDown(_ keepsContents: Bool) async -> TakeDownOutcome {
    async let thawed = frost.thaw()
    let started = Instant.now
    let outcome = await instant.takeDown(
      continuesGuest: continuesGuest, keepsContents: keepsContents, seconds: Self.takeDownSeconds)
    let isThawed = await thawed
    watch.end()
    if outcome.isClean && isThawed {
      await watchdog.dismiss()
      journal.remove()
    }
    tell(outcome, Instant.now.seconds(since: started), isThawed)
    return outcome
  }

  private func tell(_ outcome: TakeDownOutcome, _ seconds: Double, _ isThawed: Bool) {
    if outcome.isQEMUGone { return }
    if outcome.isClean && isThawed {
      let milliseconds = (seconds * 1000).rounded()
      return events(
        .guest(
          GuestStep(
            "taken-down", "everything is out of QEMU again, in \(Int(milliseconds)) ms",
            ["milliseconds": .real(milliseconds)])))
    }
    let what =
      outcome.left.isEmpty
      ? isThawed ? outcome.failure.map { "\($0)" } ?? "" : "the guest may still be frozen"
      : "still in QEMU: " + outcome.left.joined(separator: ", ")
    remaining.withLock { $0 = what }
    events(
      .warning(
        "the take-down is not complete (\(what)); the watchdog goes on with it for "
          + "\(Int(Watchdog.seconds)) s; after that: sluice recover --qmp "
          + journal.contents.qmp))
  }
}
