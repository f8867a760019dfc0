/// What a take-down has done.
package struct TakeDownOutcome: Equatable, Sendable {
  /// Names that were in QEMU and are gone.
  package var removed: [String] = []
  /// Names that could not be removed in time.
  package var left: [String] = []
  package var hasStoppedNBD = false
  /// The guest was paused by an I/O error and was resumed.
  package var hasContinuedGuest = false
  /// Why it ended early, or the last error while something is left.
  package var failure: ControlError?

  package init() {}

  /// QEMU has exited or closed its socket: nothing to remove, or no way to.
  package var isQEMUGone: Bool {
    if case .qmp(.disconnected) = failure { true } else { false }
  }

  /// QEMU is still writing RAM that nobody wants any more, and does so to the end.
  package var awaitsMigration: Bool { left == [VMStateRemoval.name] }

  /// Nothing of the job is left in QEMU.
  package var isClean: Bool { left.isEmpty && (failure == nil || isQEMUGone) }
}
