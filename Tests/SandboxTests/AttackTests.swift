import CommandLine
import CLinux
import Foundation
import Testing

@testable import Sandbox
@testable import System

/// A hostile plugin tries every attack it knows, one process each.
@Suite(.inTurns, .serialized) struct AttackTests {
  static let profiles = [
    "static", "dynamic", "static-without-landlock", "static-without-namespaces",
  ]

  @Test(.enabled(if: isRoot, "only root can succeed with all of them"))
  func `without layers every attack succeeds`() throws {
    let outcomes = try attack(under: "none", as: nil)
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
    let outcomes = try attack(under: profile, as: user)
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

  /// Runs all attacks under one profile; the outcomes by name.
  private func attack(under profile: String, as user: UInt32?) throws -> [String: String] {
    // Copied to where any user can reach them: a checkout may be private.
    let place = try Scratch()
    chmod(place.directory, 0o755)
    for name in ["attack-run", "attack-plugin", "sluice-launcher"] {
      try FileManager.default.copyItem(
        atPath: Built.directory + "/" + name, toPath: place.directory + "/" + name)
    }
    let process = Process()
    let pipe = Foundation.Pipe()
    let tools = [profile, place.path("sluice-launcher"), place.path("attack-plugin")]
    let program = place.path("attack-run")
    process.executableURL = URL(fileURLWithPath: user == nil ? program : "/usr/bin/setpriv")
    let change = user.map { ["--reuid", "\($0)", "--regid", "\($0)", "--clear-groups", program] }
    process.arguments = (change ?? []) + tools
    process.standardOutput = pipe
    process.standardInput = FileHandle.nullDevice
    process.currentDirectoryURL = URL(fileURLWithPath: "/tmp")
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    let lines = String(decoding: data, as: UTF8.self).split(separator: "\n")
    let pairs = lines.map { $0.split(separator: "\t").map(String.init) }
    return Dictionary(pairs.map { ($0[0], $0[1]) }, uniquingKeysWith: { $1 })
  }
}
