/// How much of the disks a backup is to hold.
package struct IncrementRequest: Sendable, Equatable {
  package enum Level: String, Sendable, CaseIterable {
    /// Everything, and the beginning of increments.
    case full
    /// What has changed since the newest backup.
    case incremental
    /// What has changed since the newest full backup.
    case differential
    /// Incremental where that is possible, else full.
    case auto
  }

  /// Where the parent of an output is: `PLACE`, or `LABEL=PLACE` where outputs have different ones.
  package struct Parent: RequestWord, Equatable {
    /// An archive, or a directory that holds some.
    package let text: String

    package init(parsing text: String) throws(RequestError) {
      guard !text.isEmpty else { throw .malformed(text) }
      self.text = text
    }

    /// The place, if it is one for this output.
    ///
    /// - Parameter labels: Of all outputs: what begins with another word is a path as a whole.
    func place(of label: String, among labels: [String]) -> String? {
      guard let (head, place) = splitAtEquals(text), labels.contains(head) else { return text }
      return head == label && !place.isEmpty ? place : nil
    }
  }

  package var level: Level
  package var parents: [Parent] = []

  package init(_ level: Level, parents: [Parent] = []) {
    self.level = level
    self.parents = parents
  }

  /// The places of an output's parent, its own first.
  package func places(of label: String, among labels: [String]) -> [String] {
    let own = parents.filter { $0.place(of: label, among: labels) != $0.text }
    let places = (own + parents.filter { !own.contains($0) }).compactMap {
      $0.place(of: label, among: labels)
    }
    return places
  }

  /// Refuses a request that contradicts itself.
  func validate(computesDigests: Bool) throws(RequestError) {
    guard computesDigests else { throw .levelWithoutDigests }
    guard level == .full || !parents.isEmpty else { throw .levelWithoutParent(level.rawValue) }
    guard level != .full || parents.isEmpty else { throw .parentOfFull }
  }
}
