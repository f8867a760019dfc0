import CommandLine
import Testing

@testable import Sandbox

/// The same attacks from a script: what an interpreter is good for inside the sandbox.
@Suite(.inTurns, .serialized, .enabled(if: Scripts.canRun, "needs perl and python3"))
struct ScriptAttackTests {
  static let scripts = ["attacks.py", "attacks.pl"]
  static let profiles = ["script", "script-without-landlock", "script-without-namespaces"]

  @Test(.enabled(if: isRoot, "only root can succeed with all of them"), arguments: scripts)
  func `without layers every attack of a script succeeds`(script: String) throws {
    let outcomes = try Attacks.run(under: "none", by: script, as: nil)
    #expect(outcomes.count > 20)
    #expect(outcomes.filter { $0.value != "succeeded" } == [:])
  }

  @Test(arguments: scripts, profiles)
  func `a script gets no further than a program`(script: String, profile: String) throws {
    try judge(script, profile, as: nil)
  }

  @Test(
    .enabled(if: isRoot, "only root can become an ordinary user"), arguments: scripts, profiles)
  func `a script of an ordinary user gets no further`(script: String, profile: String) throws {
    try judge(script, profile, as: nobody)
  }

  private func judge(_ script: String, _ profile: String, as user: UInt32?) throws {
    let outcomes = try Attacks.run(under: profile, by: script, as: user)
    #expect(outcomes.count > 20)
    let survivors = outcomes.filter { $0.value == "succeeded" }.keys.sorted()
    let known = AttackTable.survivors(ofScriptUnder: profile)
    #expect(survivors == known.keys.filter { outcomes[$0] != nil }.sorted(), "\(outcomes)")
    let broken = outcomes.filter {
      ["not started", "did not end", "not reachable", "errno ", "signal "].contains(
        where: $0.value.hasPrefix)
    }
    #expect(broken == [:])
  }
}
