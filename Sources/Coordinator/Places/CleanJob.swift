internal import Glibc
package import JSON
package import PluginHost
internal import System

/// `sluice clean`: removes the staging places of interrupted jobs in one directory.
package struct CleanJob: Sendable {
  /// What is said of a leftover.
  package enum Step: String, Sendable {
    case found, removed, failed
  }

  private let directory: String
  private let foreignSeconds: Int64?
  private let isDryRun: Bool

  /// - Parameter foreignSeconds: Removes what other machines left, too, if nothing of it was
  ///   written for so long.
  package init(directory: String, foreignSeconds: Int64?, isDryRun: Bool) {
    self.directory = directory
    self.foreignSeconds = foreignSeconds
    self.isDryRun = isDryRun
  }

  /// Tells everything that would go, then removes it.
  ///
  /// - Returns: How much there was.
  /// - Throws: `JobError`; of status `.inputOutput` if something could not be removed.
  package func run(_ tell: (Leftover, Step) -> Void) throws(JobError) -> Int {
    let cleaning = "cleaning \(directory)"
    let path = directory
    let search = try doing(cleaning) { () throws(SystemCallError) in try LeftoverSearch(path) }
    let found = search.leftovers().filter(isMeant)
    for leftover in found { tell(leftover, .found) }
    guard !isDryRun else { return found.count }
    var failures = 0
    for leftover in found {
      let isRemoved = search.remove(leftover)
      if !isRemoved { failures += 1 }
      tell(leftover, isRemoved ? .removed : .failed)
    }
    guard failures == 0 else {
      throw JobError(
        .inputOutput, doing: cleaning, "\(failures) of \(found.count) could not be removed",
        hint: "are they another user's, or on a file system that is mounted read-only?")
    }
    return found.count
  }

  private func isMeant(_ leftover: Leftover) -> Bool {
    switch leftover.origin {
    case .deadJob: return true
    case .otherMachine:
      guard let foreignSeconds else { return false }
      return leftover.quietSeconds >= foreignSeconds
    }
  }
}

extension Leftover {
  /// One line for people.
  package func text(_ step: CleanJob.Step) -> String {
    let size = "\(storedBytes >> 20) MiB"
    return switch step {
    case .found:
      "\(name): \(size), not written for \(quietSeconds / 3600) h, left by "
        + (origin == .deadJob ? "a job of this machine" : "another machine")
    case .removed: "\(name): removed"
    case .failed: "\(name): could not be removed"
    }
  }

  /// One line for tools.
  package func json(_ step: CleanJob.Step) -> JSONValue {
    [
      "schema": 1, "event": "leftover", "step": .string(step.rawValue), "name": .string(name),
      "bytes": JSONValue(storedBytes), "quiet_seconds": JSONValue(quietSeconds),
      "foreign": .bool(origin == .otherMachine),
    ]
  }
}
