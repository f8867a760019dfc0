/// Something that happened to a guest, or to its backup, while the backup ran.
package enum GuestObservation: Equatable, Sendable {
  /// Copying old data failed, and QEMU paused the guest, which is being resumed. `words` is the
  /// host's reason.
  case fleecingFailed(disk: String, words: String)
  /// As before, but QEMU reported the error to the guest.
  case guestSawError(disk: String, words: String)
  /// A job of ours has ended unexpectedly; the point in time is lost.
  case jobEnded(disk: String, words: String)
  /// The guest was resumed after we paused it, for so many seconds of QEMU's clock.
  case continued(seconds: Double)
  /// The guest was paused externally, not by an error of ours.
  case stopped
  case resumed
  /// The guest was reset; its disks are as they are.
  case reset
  /// The machine powers down, or QEMU is about to end; `reason` as in QEMU `qapi/run-state.json`.
  case shutdown(reason: String)
  /// A device was unplugged.
  case deviceDeleted(name: String)
  /// The connection to QEMU has ended.
  case disconnected
}
