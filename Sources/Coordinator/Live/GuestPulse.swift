internal import JobSupport
internal import QEMUControl
internal import Requests
internal import System

/// Detects that QEMU has stopped answering.
///
/// QEMU's main loop may wait for parts of this backup, such as an export whose reads have to
/// complete before the guest is paused, and the guest hangs meanwhile. Whatever the reason, the
/// backup is the part that can be given up.
struct GuestPulse {
  /// Seconds without an answer; together with the take-down less than guest and cluster watchdogs
  /// wait.
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
        _ = try await hold.monitor.execute("query-status", seconds: Self.limitSeconds)
      } catch {
        switch error {
        case .notInTime: return hold.isReleasing ? nil : silence
        // Other commands of ours are pending and will report it.
        case .busy, .refused: break
        // The observer of events reports it.
        default: return nil
        }
      }
      try? await Task.sleep(for: .seconds(Self.pauseSeconds))
    }
    return nil
  }

  private var silence: JobError {
    JobError(
      .inputOutput,
      "QEMU has not answered for \(Int(Self.limitSeconds)) s: backup aborted so that it does not "
        + "block the guest",
      hint: .spoolInstead)
  }
}
