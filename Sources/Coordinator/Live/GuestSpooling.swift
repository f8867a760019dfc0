internal import JSON
internal import Pump
internal import QEMUControl
internal import System

/// Waits until a machine's QEMU has copied its disks into the spool, then takes the job out of it.
///
/// Until then the guest depends on the spool: its writes wait for the copy of what was there
/// before. A copy that makes no progress, or is not wanted any more, is ended.
struct GuestSpooling {
  private static let pollMilliseconds = 50
  /// Seconds between two looks at how fast the spool grows.
  private static let paceSeconds = 0.1
  /// Seconds between two words about how far it is.
  private static let wordsSeconds = 10.0

  let session: GuestSession
  /// Seconds without progress after which the copy is given up.
  let stallLimit: Double
  let stop: StopSignal
  let events: EventSink

  /// - Returns: When it returns nothing of the job is in QEMU, and every store holds its disk.
  /// - Throws: `JobError`; then nothing of the stores may be used, and the owner releases.
  func run() async throws(JobError) {
    let started = Instant.now
    try await copied()
    let bytes = session.hold.instant.spooledBytes
    // What the guard has to say comes first: it may have begun to take down.
    try await session.guardian.requireInstant()
    let outcome = await session.hold.release(keepsContents: true)
    if let failure = await session.guardian.failure() { throw failure }
    // QEMU writes the last tables of a spool when it closes it.
    guard outcome.isClean, !outcome.isQEMUGone else {
      throw outcome.isQEMUGone
        ? session.guardian.end
        : JobError(
          .inputOutput, doing: "", "QEMU did not close the spool: it may not be complete",
          hint: "sluice recover --qmp \(session.hold.journal.contents.qmp)")
    }
    let seconds = Instant.now.seconds(since: started)
    events(
      .guest(
        GuestStep(
          "spooled",
          "\(bytes >> 20) MiB came into the spool in \(Int(seconds.rounded())) s; "
            + "the guest is left alone from here on",
          ["bytes": .integer(bytes), "seconds": .real(seconds)])))
  }

  /// Waits until QEMU has copied everything.
  private func copied() async throws(JobError) {
    var (moved, told, last) = (Instant.now, Instant.now, Int64(-1))
    var gait = Gait(session.hold.instant)
    while true {
      if stop.isRequested { throw await session.guardian.failure() ?? JobError(.cancelled) }
      let progress = try await progress()
      if progress.isComplete { return }
      if progress.doneBytes != last { (moved, last) = (.now, progress.doneBytes) }
      guard Instant.now.seconds(since: moved) < stallLimit else {
        throw JobError(
          .inputOutput, doing: "",
          "the copy into the spool made no progress for \(Int(stallLimit)) s",
          hint: "look at the disks of the machine and at the spool's; --stall-limit")
      }
      try await keepPace(&gait)
      if Instant.now.seconds(since: told) >= Self.wordsSeconds {
        told = .now
        tell(progress)
      }
      try? await Task.sleep(for: .milliseconds(Self.pollMilliseconds))
    }
  }

  /// How fast it goes, and when that was looked at.
  private struct Gait {
    var pace: SpoolPace
    var bytes: Int64
    var since = Instant.now

    init(_ instant: PointInTime) {
      var limit: Int64 = 0
      if case .spool(let bytesPerSecond, _) = instant.method { limit = bytesPerSecond }
      pace = SpoolPace(limit: limit)
      bytes = instant.spooledBytes
    }
  }

  private func keepPace(_ gait: inout Gait) async throws(JobError) {
    let seconds = Instant.now.seconds(since: gait.since)
    guard seconds >= Self.paceSeconds else { return }
    let bytes = session.hold.instant.spooledBytes
    let isChanged = gait.pace.look(grown: bytes - gait.bytes, seconds: seconds)
    (gait.bytes, gait.since) = (bytes, .now)
    guard isChanged else { return }
    let speed = gait.pace.speed
    try await asking { () throws(ControlError) in
      try await self.session.hold.instant.setSpeed(speed)
    }
  }

  private func progress() async throws(JobError) -> PointInTime.CopyProgress {
    try await asking { () throws(ControlError) in
      try await self.session.hold.instant.copyProgress()
    }
  }

  /// What the guard has seen explains more than what QEMU says to us.
  private func asking<Value: Sendable>(
    _ body: () async throws(ControlError) -> Value
  ) async throws(JobError) -> Value {
    do throws(JobError) {
      return try await controlling("copying the disks into the spool", body)
    } catch {
      throw await session.guardian.failure() ?? error
    }
  }

  private func tell(_ progress: PointInTime.CopyProgress) {
    events(
      .guest(
        GuestStep(
          "spooling",
          "\(progress.doneBytes >> 20) of \(progress.totalBytes >> 20) MiB of disks are copied, "
            + "\(session.hold.instant.spooledBytes >> 20) MiB are in the spool",
          [
            "bytes": .integer(progress.doneBytes), "total": .integer(progress.totalBytes),
          ])))
  }
}
