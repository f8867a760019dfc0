import CommandLine
import CLinux
import Foundation
import Testing

@testable import Sandbox
@testable import System

/// All attacks of a hostile plugin, one process each.
enum Attacks {
  private static let scripts =
    splitPath(splitPath(#filePath).directory).directory + "/Support/attack-scripts"

  /// Runs all attacks under one profile; the outcomes by name.
  ///
  /// - Parameters:
  ///   - attacker: `attack-plugin`, or the name of a script in `attack-scripts`.
  ///   - user: Who the host is; `nil` is the caller.
  static func run(
    under profile: String, by attacker: String = "attack-plugin", as user: UInt32?
  ) throws -> [String: String] {
    // Copied to where any user can reach them: a checkout may be private.
    let place = try Scratch()
    chmod(place.directory, 0o755)
    var files = ["attack-run", "attack-plugin", "sluice-launcher"].map {
      Built.directory + "/" + $0
    }
    if attacker != "attack-plugin" { files.append("\(scripts)/\(attacker)") }
    for file in files {
      try FileManager.default.copyItem(
        atPath: file, toPath: place.path(splitPath(file).name))
    }
    let process = Process()
    let pipe = Foundation.Pipe()
    let tools = [profile, place.path("sluice-launcher"), place.path(attacker)]
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
