/// One thing that a plugin is tried with.
package struct ConformanceCase: Sendable {
  /// How often a plugin is tried with it.
  package enum Scope: Sendable {
    /// Once.
    case plugin
    /// Once for each format.
    case format
    /// For each kind of output of each format.
    case output
  }

  /// `core.seq-gap`.
  package let id: String
  package let level: ConformanceLevel
  /// Rules of protocol.md that it proves; a failure that names no other is one of the first.
  package let clauses: [String]
  package let scope: Scope
  /// What is done, in one sentence.
  package let does: String
  /// What the plugin's author does about a failure.
  package let remedy: String
  let run: @Sendable (CaseBench) throws -> Void

  init(
    _ id: String, _ clauses: String..., scope: Scope = .plugin, does: String, remedy: String,
    _ run: @escaping @Sendable (CaseBench) throws -> Void
  ) {
    self.init(id: id, clauses: clauses, scope: scope, does: does, remedy: remedy, run: run)
  }

  init(
    id: String, clauses: [String], scope: Scope = .plugin, does: String, remedy: String,
    run: @escaping @Sendable (CaseBench) throws -> Void
  ) {
    self.id = id
    self.clauses = clauses
    self.scope = scope
    self.does = does
    self.remedy = remedy
    self.run = run
    level =
      ConformanceLevel.allCases.first { id.hasPrefix($0.rawValue + ".") } ?? .core
  }
}

extension ConformanceCase {
  /// All cases, in the order in which a plugin is tried.
  package static let all: [ConformanceCase] =
    starting + greeting + jobs + archives + edges + machineState + maps + framing + states + endings
    + sharedMemory
    + reading + damage + ranges + increments
}
