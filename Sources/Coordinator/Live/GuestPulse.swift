internal import QEMUControl
internal import System

/// Finds out that QEMU answers nothing any more.
///
/// QEMU's main loop may wait for what this backup has in it, such as an export whose reads it wants
/// to see ended before a guest is stopped: who gives the guest up for that long harms it. Whatever
/// the reason is, the backup is the part that can go.
struct GuestPulse {
  /// Seconds without an answer; below what watchdogs of guests and of clusters wait, with the
  /// take-down.
  static let limitSeconds = 15.0
  /// Seconds between an answer and the next question.
  private static let pauseSeconds = 2.0

  let hold: GuestHold

  /// Asks until the take-down begins or the connection ends.
  ///
  /// - Returns: Why the backup has to end; `nil` if QEMU answered as long as it was asked.
  func watch() async -> JobError? {
    while !hold.isReleasing {
      do throws(QMPError) {
        _ = try await hold.client.execute("query-status", seconds: Self.limitSeconds)
      } catch {
        switch error {
        case .notInTime: return hold.isReleasing ? nil : silence
        // Others of our commands wait, and will tell.
        case .busy, .refused: break
        // Whoever waits for events hears of it.
        default: return nil
        }
      }
      try? await Task.sleep(for: .seconds(Self.pauseSeconds))
    }
    return nil
  }

  private var silence: JobError {
    JobError(
      .inputOutput, doing: "",
      "QEMU has not answered for \(Int(Self.limitSeconds)) s: the backup was broken, lest the "
        + "guest waits for it",
      hint: "see whether the guest's storage answers; sluice backup --transport spool needs no "
        + "exports")
  }
}
