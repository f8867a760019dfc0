import CommandLine
import Testing

/// A hostile plugin tries every attack it knows, one process each.
@Suite(.inTurns, .serialized) struct AttackTests {
  static let profiles = [
    "static", "dynamic", "static-without-landlock", "static-without-namespaces", "commands",
    "commands-without-landlock",
  ]

  @Test(.enabled(if: isRoot, "only root can succeed with all of them"))
  func `without layers every attack succeeds`() throws {
    let outcomes = try Attacks.run(under: "none", as: nil)
    #expect(outcomes.count > 150)
    let reached = outcomes.filter { $0.value != "not reachable" }
    let stopped = Set(reached.filter { $0.value != "succeeded" }.keys)
    #expect(stopped == Set(AttackTable.stoppedByDesign.keys))
    let absent = outcomes.filter { $0.value == "not reachable" }.keys.sorted()
    print("attacks: \(outcomes.count); not reachable on this kernel: \(absent)")
    #expect(absent.count < 12, "a kernel without these would prove little")
  }

  @Test(arguments: profiles)
  func `behind the layers only the known ones succeed`(profile: String) throws {
    try judge(profile, as: nil)
  }

  @Test(.enabled(if: isRoot, "only root can become an ordinary user"), arguments: profiles)
  func `the same holds when the host is an ordinary user`(profile: String) throws {
    try judge(profile, as: nobody)
  }

  private func judge(_ profile: String, as user: UInt32?) throws {
    let outcomes = try Attacks.run(under: profile, as: user)
    #expect(outcomes.count > 150)
    let isRootsPlugin = user == nil && isRoot
    let known = AttackTable.survivors(of: profile, isRoot: isRootsPlugin)
    let survivors = outcomes.filter { $0.value == "succeeded" }.keys.sorted()
    #expect(survivors == known.keys.sorted())
    let broken = outcomes.filter { $0.value.hasPrefix("not started") || $0.value == "did not end" }
    #expect(broken == [:])
    let who = isRootsPlugin ? "root" : "an ordinary user"
    print("\(profile), host is \(who): \(survivors.count) of \(outcomes.count) get through")
    for name in survivors { print("  \(name): \(known[name] ?? "unknown")") }
  }
}
