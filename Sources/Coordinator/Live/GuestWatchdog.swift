internal import JSON
internal import JobSupport
internal import QEMUControl
internal import Requests
internal import Synchronization
internal import System

/// The watchdog of a job, from before anything is put into QEMU until all of it is removed.
///
/// If it dies it is restarted: a guest must not depend on the coordinator alone.
final class GuestWatchdog: Sendable {
  /// If it is killed more often, that is deliberate.
  private static let renewalsMax = 3

  private struct State {
    var process: WatchdogProcess
    var renewals = 0
    var isGivenUp = false
    var isDismissed = false
  }

  private let path: String
  private let monitor: any Monitor
  private let agent: GuestAgent?
  private let journal: Journal
  private let events: EventSink
  private let state: Mutex<State>

  /// Starts it.
  ///
  /// - Parameter launcher: Path of `sluice-launcher`, beside which it lies.
  init(
    besideLauncher launcher: String, monitor: any Monitor, agent: GuestAgent?, journal: Journal,
    events: @escaping EventSink
  ) throws(JobError) {
    path = WatchdogProcess.path(besideLauncher: launcher)
    (self.monitor, self.agent, self.journal, self.events) = (monitor, agent, journal, events)
    let process: WatchdogProcess
    do throws(SystemCallError) {
      process = try Self.start(path, monitor, agent, journal)
    } catch {
      throw JobError(error, cannot: "start the watchdog")
    }
    state = Mutex(State(process: process))
    tell(process)
  }

  private static func start(
    _ path: String, _ monitor: any Monitor, _ agent: GuestAgent?, _ journal: Journal
  ) throws(SystemCallError) -> WatchdogProcess {
    try WatchdogProcess.start(
      path: path, journal: journal, qmp: monitor.inheritableDescriptor, agent: agent?.rawDescriptor)
  }

  /// Restarts it if it has died, unless it was dismissed.
  func renew() async {
    let (process, renewals, isOver) = state.withLock {
      ($0.process, $0.renewals, $0.isGivenUp || $0.isDismissed)
    }
    guard !isOver, !process.isAlive else { return }
    await process.end()
    guard renewals < Self.renewalsMax else { return giveUp("it was killed \(renewals + 1) times") }
    do throws(SystemCallError) {
      await put(try Self.start(path, monitor, agent, journal))
    } catch {
      giveUp("\(error)")
    }
  }

  private func put(_ next: WatchdogProcess) async {
    let isLate = state.withLock { state in
      if state.isDismissed { return true }
      state.process = next
      state.renewals += 1
      return false
    }
    if isLate {
      await next.end()
      return
    }
    events(.warning("the watchdog was killed; starting another one"))
    tell(next)
  }

  /// Ends it: nothing of the job is left in QEMU.
  func dismiss() async {
    let process = state.withLock { state in
      state.isDismissed = true
      return state.process
    }
    await process.end()
  }

  private func giveUp(_ why: String) {
    state.withLock { $0.isGivenUp = true }
    events(
      .warning(
        "the backup continues without a watchdog (\(why))",
        .recoverIfKilled(socket: journal.contents.qmp)))
  }

  private func tell(_ process: WatchdogProcess) {
    events(
      .guest(
        GuestStep(
          "watchdog-started", "watchdog \(process.pid) started",
          ["process": .integer(Int64(process.pid)), "mark": .string(journal.mark.id)])))
  }
}
