import Foundation
import Sandbox
import System

// Runs every attack of the attack plugin, a program or a script, under one profile and prints one
// line for each: `NAME<tab>OUTCOME`, where the outcome is `succeeded`, `not reachable` or what
// stopped it.
//
//   attack-run PROFILE LAUNCHER PLUGIN [ATTACK…]

@main
struct Main {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count >= 4, let profile = Profile(rawValue: arguments[1]) else {
      print("usage: attack-run PROFILE LAUNCHER PLUGIN [ATTACK…]")
      exit(64)
    }
    ignoreBrokenPipes()
    let attacker = try Attacker(arguments[3])
    let range = try Range(plugin: arguments[3], attacker)
    defer { range.close() }
    let names = arguments.count > 4 ? Array(arguments[4...]) : range.attacks
    for name in names {
      let field = try Field(range: range, attack: name, forRootsPlugin: profile.isMapped)
      let outcome = try attack(
        name, by: attacker, in: field, under: profile, launcher: arguments[2])
      print("\(name)\t\(outcome)")
      field.remove()
    }
  }
}
