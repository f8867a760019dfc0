package import Requests

/// One result of `sluice doctor`.
package struct Finding: Sendable {
  package let text: String
  package let isGood: Bool
  /// Whether Sluice cannot work without it.
  package let isFatal: Bool
  /// What to do about it.
  package let remedy: Remedy?

  package static func good(_ text: String) -> Finding {
    Finding(text: text, isGood: true, isFatal: false, remedy: nil)
  }

  package static func bad(_ text: String, remedy: Remedy, isFatal: Bool = false) -> Finding {
    Finding(text: text, isGood: false, isFatal: isFatal, remedy: remedy)
  }
}
