/// What a take-down has done.
package struct TakeDownOutcome: Equatable, Sendable {
  /// Names that were in QEMU and are gone.
  package var removed: [String] = []
  /// Names that would not go in time.
  package var left: [String] = []
  package var hasStoppedNBD = false
  /// The guest stood still because of an I/O error and goes on.
  package var hasContinuedGuest = false
  /// Why it ended early, or what the last refusal was while something is left.
  package var failure: ControlError?

  package init() {}

  /// QEMU has ended, or its socket: then there is nothing to take down, or nobody to ask.
  package var isQEMUGone: Bool {
    if case .qmp(.disconnected) = failure { true } else { false }
  }

  /// Nothing of the job is in QEMU any more.
  package var isClean: Bool { left.isEmpty && (failure == nil || isQEMUGone) }
}
