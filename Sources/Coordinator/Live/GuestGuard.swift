internal import JobSupport
internal import QEMUControl
internal import Requests
internal import Synchronization
internal import System

/// Aborts the backup where it would harm the guest, or when the point in time is lost.
///
/// `GuestWatch` reports what happens to the guest, and has freed it already; the free space for
/// fleecing images and the watchdog are checked five times a second, and more often where there is
/// little space; `GuestPulse` reports when QEMU stops answering. The first reason counts.
final class GuestGuard: Sendable {
  private static let roundMilliseconds = 200
  /// The same where there is little space: 64 KiB are copied for each of the guest's writes.
  private static let tightMilliseconds = 10

  private struct State {
    var failure: JobError?
    var shutdownReason: String?
    var deletedDevice: String?
  }

  private let hold: GuestHold
  private let room: FleecingSpace
  private let stop: StopSignal
  private let events: EventSink
  private let state = Mutex(State())

  init(_ hold: GuestHold, _ room: FleecingSpace, stop: StopSignal, events: @escaping EventSink) {
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

  /// Why the backup was aborted, with what it has cost the guest; `nil` if it was not.
  func failure() async -> JobError? {
    guard let failure = state.withLock({ $0.failure }) else { return nil }
    // A paused guest is resumed within milliseconds; then the length of the pause is known.
    for _ in 0..<100 where hold.watch.isGuestHeld {
      try? await Task.sleep(for: .milliseconds(10))
    }
    let stall = hold.watch.stallSeconds
    let pause = stall > 0 ? "; the guest was paused for \(Int((stall * 1000).rounded())) ms" : ""
    return failure.saying(failure.message + pause, hint: failure.remedy)
  }

  /// Asks QEMU whether the point in time is intact: every job of ours exists and is running.
  func requirePointInTime() async throws(JobError) {
    if let failure = await failure() { throw failure }
    let checking = "check the point in time"
    let isIntact = try await attempt(checking) { () async throws(ControlError) in
      try await self.hold.instant.isKept()
    }
    guard isIntact else {
      throw JobError(
        .inputOutput,
        "a QEMU job of this backup has ended: the point in time is lost",
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
    case .fleecingFailed(let disk, let words): fleecingFailed(disk, words)
    case .guestSawError(let disk, let words):
      fail(
        JobError(
          .inputOutput,
          "fleecing image of \(disk) failed (\(words)), and the guest got an I/O error",
          hint: .protectGuest))
    case .jobEnded(let disk, let words): jobEnded(disk, words)
    case .continued(let seconds):
      let milliseconds = Int((seconds * 1000).rounded())
      tell("guest-continued", "guest resumed after a pause of \(milliseconds) ms")
    case .stopped where state.withLock({ $0.shutdownReason }) != nil: break
    case .stopped: tell("guest-paused", "guest paused externally; the backup continues")
    case .resumed: tell("guest-resumed", "guest resumed externally")
    case .reset: tell("guest-reset", "guest reset; the backup continues")
    case .shutdown(let reason):
      state.withLock { $0.shutdownReason = $0.shutdownReason ?? reason }
      tell("guest-shutdown", "guest shut down (\(reason)); the backup continues while QEMU runs")
    case .deviceDeleted(let name):
      state.withLock { $0.deletedDevice = name }
      tell("device-deleted", "device \(name) was unplugged")
    case .disconnected: disconnected()
    }
  }

  private func fleecingFailed(_ disk: String, _ words: String) {
    fail(
      JobError(
        .inputOutput,
        "fleecing image of \(disk) failed (\(words)): backup aborted, guest keeps running",
        hint: .moreFleecingSpace))
  }

  private func jobEnded(_ disk: String, _ words: String) {
    // QEMU ends all jobs before it ends itself.
    if state.withLock({ $0.shutdownReason }) != nil { return disconnected() }
    // QEMU removes a drive together with its device.
    let device = state.withLock { $0.deletedDevice }
    fail(
      JobError(
        .inputOutput, "the point in time of \(disk) is lost: \(words)",
        hint: device.map { .text("device \($0) was unplugged") }
          ?? "do not cancel jobs named sluice-…; run the backup again"))
  }

  private func disconnected() {
    if !hold.isReleasing { fail(end) }
  }

  /// The error that QEMU is gone.
  var end: JobError {
    let reason = state.withLock { $0.shutdownReason }.map { " (shutdown: \($0))" } ?? ""
    return JobError(
      .inputOutput, "QEMU has exited or closed its socket\(reason)",
      hint: "nothing was published; QEMU must keep running until all disks are read")
  }

  private func tell(_ name: String, _ text: String) { events(.guest(GuestStep(name, text))) }

  private func makeRounds() async {
    while !hold.isReleasing {
      let finding = room.look()
      if case .short(let directory, let free) = finding {
        return fail(
          JobError(
            .inputOutput,
            "\(directory) has \(free >> 20) MiB left for fleecing images: backup aborted before "
              + "the guest is affected",
            hint: .freeSpaceThere))
      }
      await hold.watchdog.renew()
      var pause = Self.roundMilliseconds
      if case .tight = finding { pause = Self.tightMilliseconds }
      try? await Task.sleep(for: .milliseconds(pause))
    }
  }
}
