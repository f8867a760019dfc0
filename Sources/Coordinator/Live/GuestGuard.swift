internal import QEMUControl
internal import Synchronization
internal import System

/// Ends the backup where it would harm the guest, or where the instant is lost.
///
/// What happens to the guest comes from `GuestWatch`, which has freed the guest already; the room
/// of the stores and the watchdog are looked at five times a second, and oftener where the room is
/// little; `GuestPulse` tells when QEMU falls silent. The first reason counts.
final class GuestGuard: Sendable {
  private static let roundMilliseconds = 200
  /// The same where the stores have little room: 64 KiB are copied for each of the guest's writes.
  private static let tightMilliseconds = 10

  private struct State {
    var failure: JobError?
    var shutdownReason: String?
    var deletedDevice: String?
  }

  private let hold: GuestHold
  private let room: StoreRoom
  private let stop: StopSignal
  private let events: EventSink
  private let state = Mutex(State())

  init(_ hold: GuestHold, _ room: StoreRoom, stop: StopSignal, events: @escaping EventSink) {
    self.hold = hold
    self.room = room
    self.stop = stop
    self.events = events
  }

  /// Begins to watch; all tasks end with the take-down.
  func start() {
    Task.detached { [self] in
      for await observation in hold.watch.observations { heard(observation) }
    }
    Task.detached { [self] in await makeRounds() }
    Task.detached { [self] in
      if let silence = await GuestPulse(hold: hold).watch() { fail(silence) }
    }
  }

  /// Why the backup was ended, with what it has cost the guest; `nil` if it was not.
  func failure() async -> JobError? {
    guard let failure = state.withLock({ $0.failure }) else { return nil }
    // A guest that was stopped goes on within milliseconds, and then it is known for how long.
    for _ in 0..<100 where hold.watch.isGuestHeld {
      try? await Task.sleep(for: .milliseconds(10))
    }
    let stall = hold.watch.stallSeconds
    let still = stall > 0 ? "; the guest stood still for \(Int((stall * 1000).rounded())) ms" : ""
    return JobError(
      failure.status, doing: failure.doing, failure.message + still, hint: failure.hint)
  }

  /// Asks QEMU whether the instant still stands: every job of ours is there and at work.
  func requireInstant() async throws(JobError) {
    if let failure = await failure() { throw failure }
    let asking = "asking QEMU for the point in time"
    let isWhole = try await controlling(asking) { () throws(ControlError) in
      try await self.hold.instant.isKept()
    }
    guard isWhole else {
      throw JobError(
        .inputOutput, doing: "",
        "a job of this backup has ended in QEMU: the point in time is lost",
        hint: "do not cancel jobs named sluice-…; run the backup again")
    }
  }

  private func fail(_ error: JobError) {
    let isFirst = state.withLock { state in
      defer { state.failure = state.failure ?? error }
      return state.failure == nil
    }
    guard isFirst else { return }
    stop.request()
    Task.detached { [hold] in await hold.release() }
  }

  private func heard(_ observation: GuestObservation) {
    switch observation {
    case .storeFailed(let disk, let words): storeFailed(disk, words)
    case .guestSawError(let disk, let words):
      fail(
        JobError(
          .inputOutput, doing: "",
          "the fleecing store of \(disk) failed (\(words)), and the guest saw the error",
          hint: "set werror=stop or werror=enospc on the device; sluice doctor --qmp tells"))
    case .jobEnded(let disk, let words): jobEnded(disk, words)
    case .continued(let seconds):
      let milliseconds = Int((seconds * 1000).rounded())
      tell("guest-continued", "the guest goes on after standing still for \(milliseconds) ms")
    case .stopped where state.withLock({ $0.shutdownReason }) != nil: break
    case .stopped: tell("guest-paused", "somebody paused the guest; the backup goes on")
    case .resumed: tell("guest-resumed", "somebody let the guest go on")
    case .reset: tell("guest-reset", "the guest was reset; the backup goes on")
    case .shutdown(let reason):
      state.withLock { $0.shutdownReason = $0.shutdownReason ?? reason }
      tell("guest-shutdown", "the guest shuts down (\(reason)); the backup goes on while QEMU does")
    case .deviceDeleted(let name):
      state.withLock { $0.deletedDevice = name }
      tell("device-deleted", "device \(name) was taken from the guest")
    case .disconnected: disconnected()
    }
  }

  private func storeFailed(_ disk: String, _ words: String) {
    fail(
      JobError(
        .inputOutput, doing: "",
        "the fleecing store of \(disk) failed (\(words)): the backup was broken, the guest goes on",
        hint: "give it more room with --fleecing-dir"))
  }

  private func jobEnded(_ disk: String, _ words: String) {
    // QEMU ends all jobs before it ends itself.
    if state.withLock({ $0.shutdownReason }) != nil { return disconnected() }
    // QEMU takes a drive along with its device.
    let device = state.withLock { $0.deletedDevice }
    fail(
      JobError(
        .inputOutput, doing: "", "the point in time of \(disk) is lost: \(words)",
        hint: device.map { "device \($0) was taken from the guest" }
          ?? "do not cancel jobs named sluice-…; run the backup again"))
  }

  private func disconnected() {
    if !hold.isReleasing { fail(end) }
  }

  /// What it means that QEMU is gone.
  var end: JobError {
    let reason = state.withLock { $0.shutdownReason }.map { " (shutdown: \($0))" } ?? ""
    return JobError(
      .inputOutput, doing: "", "QEMU has ended, or closed its socket\(reason)",
      hint: "nothing was published; an archive needs the machine's QEMU until all is read")
  }

  private func tell(_ name: String, _ text: String) { events(.guest(GuestStep(name, text))) }

  private func makeRounds() async {
    while !hold.isReleasing {
      let finding = room.look()
      if case .short(let directory, let free) = finding {
        return fail(
          JobError(
            .inputOutput, doing: "",
            "\(directory) has \(free >> 20) MiB left for the fleecing stores: the backup was "
              + "broken before the guest would have noticed",
            hint: "make room there, or choose another place with --fleecing-dir"))
      }
      await hold.watchdog.renew()
      var pause = Self.roundMilliseconds
      if case .tight = finding { pause = Self.tightMilliseconds }
      try? await Task.sleep(for: .milliseconds(pause))
    }
  }
}
