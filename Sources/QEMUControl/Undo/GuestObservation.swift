/// Something that happened to a guest, or to its backup, while the backup ran.
package enum GuestObservation: Equatable, Sendable {
  /// The copy of old data failed, and QEMU stopped the guest; it is being continued. `words` is
  /// the host's reason.
  case storeFailed(disk: String, words: String)
  /// As before, but QEMU let the guest see the error.
  case guestSawError(disk: String, words: String)
  /// A job of ours has ended, though nobody asked it to; the instant is lost.
  case jobEnded(disk: String, words: String)
  /// The guest goes on after it stood still because of us, for so many seconds of QEMU's clock.
  case continued(seconds: Double)
  /// The guest was stopped by somebody, and not by an error of ours.
  case stopped
  case resumed
  /// The guest was reset; its disks are as they are.
  case reset
  /// The machine powers down, or QEMU is about to end; `reason` as in QEMU `qapi/run-state.json`.
  case shutdown(reason: String)
  /// A device went.
  case deviceDeleted(name: String)
  /// The connection to QEMU has ended.
  case disconnected
}
