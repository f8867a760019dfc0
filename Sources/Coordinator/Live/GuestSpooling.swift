internal import JSON
internal import JobSupport
internal import Pump
internal import QEMUControl
internal import Requests
internal import System

/// Waits until QEMU has copied the disks to the spool, then removes the job from QEMU.
///
/// Until then the guest depends on the spool: its writes wait until the old data is copied. A copy
/// that makes no progress, or is cancelled, is aborted.
struct GuestSpooling {
  private static let pollMilliseconds = 50
  /// Seconds between two looks at how fast the spool grows.
  private static let paceSeconds = 0.1
  /// Seconds between two progress messages.
  private static let wordsSeconds = 10.0

  let prepared: PreparedGuest
  /// Seconds without progress after which the copy is aborted.
  let stallLimit: Double
  let stop: StopSignal
  let events: EventSink

  /// When it returns, nothing of the job is in QEMU, and every image of the spool is complete.
  ///
  /// - Throws: `JobError`; then nothing of the spool may be used, and the owner releases.
  func run() async throws(JobError) {
    let started = MonotonicTime.now
    try await copied()
    let bytes = prepared.hold.instant.spooledBytes
    // The guard's reason comes first: it may have begun to clean up.
    try await prepared.guardian.requirePointInTime()
    let outcome = await prepared.hold.release(keepsContents: true)
    if let failure = await prepared.guardian.failure() { throw failure }
    // QEMU writes the last tables of a spool when it closes it.
    guard outcome.isClean, !outcome.isQEMUGone else {
      throw outcome.isQEMUGone
        ? prepared.guardian.end
        : JobError(
          .inputOutput, "QEMU did not close the spool, which may be incomplete",
          hint: .recover(socket: prepared.hold.journal.contents.qmp))
    }
    let seconds = MonotonicTime.now.seconds(since: started)
    events(
      .guest(
        GuestStep(
          "spooled",
          "\(bytes >> 20) MiB copied to the spool in \(Int(seconds.rounded())) s; "
            + "the guest is no longer involved",
          ["bytes": .integer(bytes), "seconds": .real(seconds)])))
  }

  /// Waits until QEMU has copied everything.
  private func copied() async throws(JobError) {
    var (moved, told, last) = (MonotonicTime.now, MonotonicTime.now, Int64(-1))
    var gait = Gait(prepared.hold.instant)
    while true {
      if stop.isRequested { throw await prepared.guardian.failure() ?? JobError(.cancelled) }
      let progress = try await progress()
      if progress.isComplete { return }
      if progress.doneBytes != last { (moved, last) = (.now, progress.doneBytes) }
      guard MonotonicTime.now.seconds(since: moved) < stallLimit else {
        throw JobError(
          .inputOutput,
          "no progress copying to the spool for \(Int(stallLimit)) s",
          hint: .moreTime(.spool))
      }
      try await keepPace(&gait)
      if MonotonicTime.now.seconds(since: told) >= Self.wordsSeconds {
        told = .now
        tell(progress)
      }
      try? await Task.sleep(for: .milliseconds(Self.pollMilliseconds))
    }
  }

  /// The current rate, and when it was last measured.
  private struct Gait {
    var pace: SpoolPace
    var bytes: Int64
    var since = MonotonicTime.now

    init(_ instant: PointInTime) {
      var limit: Int64 = 0
      if case .spool(let bytesPerSecond, _) = instant.method { limit = bytesPerSecond }
      pace = SpoolPace(limit: limit)
      bytes = instant.spooledBytes
    }
  }

  private func keepPace(_ gait: inout Gait) async throws(JobError) {
    let seconds = MonotonicTime.now.seconds(since: gait.since)
    guard seconds >= Self.paceSeconds else { return }
    let bytes = prepared.hold.instant.spooledBytes
    let isChanged = gait.pace.look(grown: bytes - gait.bytes, seconds: seconds)
    (gait.bytes, gait.since) = (bytes, .now)
    guard isChanged else { return }
    let speed = gait.pace.speed
    try await asking { () throws(ControlError) in
      try await self.prepared.hold.instant.setSpeed(speed)
    }
  }

  private func progress() async throws(JobError) -> PointInTime.CopyProgress {
    try await asking { () throws(ControlError) in
      try await self.prepared.hold.instant.copyProgress()
    }
  }

  /// The guard's reason explains more than QEMU's answer.
  private func asking<Value: Sendable>(
    _ body: () async throws(ControlError) -> Value
  ) async throws(JobError) -> Value {
    do throws(JobError) {
      return try await attempt("copy the disks to the spool", body)
    } catch {
      throw await prepared.guardian.failure() ?? error
    }
  }

  private func tell(_ progress: PointInTime.CopyProgress) {
    events(
      .guest(
        GuestStep(
          "spooling",
          "\(progress.doneBytes >> 20) of \(progress.totalBytes >> 20) MiB of disks copied, "
            + "\(prepared.hold.instant.spooledBytes >> 20) MiB in the spool",
          [
            "bytes": .integer(progress.doneBytes), "total": .integer(progress.totalBytes),
          ])))
  }
}
