/// What became of a guest that a job had frozen.
package enum ThawOutcome: Equatable, Sendable {
  /// The job had frozen nothing, or is not known to have.
  case notNeeded
  case thawed(filesystems: Int)
  /// The guest has ended, and its filesystems with it.
  case guestGone
  /// It may still be frozen.
  case failed(AgentError)

  /// Nothing is frozen by that job any more, as far as can be told.
  package var isClean: Bool { if case .failed = self { false } else { true } }

  /// For people; `nil` where there was nothing to do.
  package var words: String? {
    switch self {
    case .notNeeded, .guestGone: nil
    case .thawed(let count): "\(count) guest filesystem\(count == 1 ? "" : "s") thawed"
    case .failed(let error): "the guest may still be frozen: \(error)"
    }
  }
}
