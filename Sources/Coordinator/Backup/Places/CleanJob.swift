internal import Glibc
package import JSON
package import JobSupport
package import PluginHost
internal import Requests
internal import System

/// `sluice clean`: removes the staging places of interrupted jobs in one directory.
package struct CleanJob: Sendable {
  /// What happened to a leftover.
  package enum Step: String, Sendable {
    case found, removed, failed
  }

  private let directory: String
  private let foreignSeconds: Int64?
  private let isDryRun: Bool

  /// - Parameter foreignSeconds: Also removes leftovers of other hosts that were not written for so
  ///   long.
  package init(directory: String, foreignSeconds: Int64?, isDryRun: Bool) {
    self.directory = directory
    self.foreignSeconds = foreignSeconds
    self.isDryRun = isDryRun
  }

  /// Reports everything that is to be removed, then removes it.
  ///
  /// - Returns: The number of leftovers.
  /// - Throws: `JobError`; of status `.inputOutput` if something could not be removed.
  package func run(_ tell: (Leftover, Step) -> Void) throws(JobError) -> Int {
    let cleaning = "clean up \(directory)"
    let path = directory
    let search = try attempt(cleaning) { () throws(SystemCallError) in try LeftoverSearch(path) }
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
        .inputOutput, cannot: cleaning, "\(failures) of \(found.count) leftovers remain",
        hint: "check their owner, and whether the file system is mounted read-only")
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
      "\(name): \(size), last written \(quietSeconds / 3600) h ago, left by "
        + (origin == .deadJob ? "a dead job of this host" : "another host")
    case .removed: "\(name): removed"
    case .failed: "\(name): cannot be removed"
    }
  }

  /// One line for tools.
  package func json(_ step: CleanJob.Step, in directory: String) -> JSONValue {
    [
      "schema": 1, "event": "leftover", "step": .string(step.rawValue), "name": .string(name),
      "path": .string(absolutePath(directory + "/" + name)),
      "bytes": JSONValue(storedBytes), "quiet_seconds": JSONValue(quietSeconds),
      "foreign": .bool(origin == .otherMachine),
    ]
  }
}
