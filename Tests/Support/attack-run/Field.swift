import CLinux
import Foundation
import System

/// A victim process and a directory, shared by all attacks.
final class Range {
  /// What starts an attacker.
  let words: [String]
  let directory: String
  let attacks: [String]
  /// `VICTIM TCP UDP ADDRESS`, as the attacker takes it.
  let victim: [String]
  private let process = Process()
  private let leash = Foundation.Pipe()

  /// - Parameter plugin: Path of the attacker; a victim is the `attack-plugin` beside it.
  init(plugin: String, _ attacker: borrowing Attacker) throws {
    words = attacker.words
    directory = NSTemporaryDirectory() + "sluice-attacks-\(getpid())"
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
    attacks = try Self.output(of: words + ["list"]).split(separator: "\n").map(String.init)
    let answer = Foundation.Pipe()
    process.executableURL = URL(fileURLWithPath: splitPath(plugin).directory + "/attack-plugin")
    process.arguments = ["victim", directory + "/socket"]
    process.standardInput = leash
    process.standardOutput = answer
    try process.run()
    let line = String(decoding: answer.fileHandleForReading.availableData, as: UTF8.self)
    victim = line.split(whereSeparator: \.isWhitespace).map(String.init)
    guard victim.count == 4 else { throw CocoaError(.fileReadCorruptFile) }
  }

  func close() {
    try? leash.fileHandleForWriting.close()
    process.waitUntilExit()
    try? FileManager.default.removeItem(atPath: directory)
  }

  private static func output(of words: [String]) throws -> String {
    let process = Process()
    let pipe = Foundation.Pipe()
    process.executableURL = URL(fileURLWithPath: words[0])
    process.arguments = Array(words.dropFirst())
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }
}

/// What one attacker finds: fresh descriptors, its output directory, and a secret outside of it.
final class Field {
  let arguments: [String]
  private let directory: String
  private let null: OwnedDescriptor
  private let input: System.Pipe
  private let output: System.Pipe
  private let pool: OwnedDescriptor
  private let grant: OwnedDescriptor

  init(range: Range, attack: String, forRootsPlugin isMapped: Bool) throws {
    directory = range.directory + "/" + attack
    let plugins = directory + "/output"
    let files = FileManager.default
    try files.createDirectory(
      atPath: plugins, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    try Data("secret".utf8).write(to: URL(fileURLWithPath: directory + "/secret"))
    if isMapped { chown(plugins, 65_521, 65_521) }
    null = try openFile("/dev/null", flags: O_RDWR)
    input = try System.Pipe()
    output = try System.Pipe()
    pool = try Self.sealedPool()
    grant = try openFile(plugins, flags: O_RDONLY | O_DIRECTORY)
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, 255)
    arguments =
      range.words + [attack] + range.victim
      + ["\(getpid())", String(decoding: name.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)]
      + [directory]
  }

  /// The descriptors of a plugin; its log goes nowhere.
  var descriptors: [(source: Int32, target: Int32)] {
    [
      (null.raw, 0), (null.raw, 1), (null.raw, 2), (input.readRaw, 3),
      (output.writeRaw, 4), (pool.raw, 5), (grant.raw, 6),
    ]
  }

  func remove() { try? FileManager.default.removeItem(atPath: directory) }

  /// As a host makes it: sealed, read-only, mode 0400.
  private static func sealedPool() throws -> OwnedDescriptor {
    let memory = OwnedDescriptor(adopting: clinux_memfd_create("pool"))
    try check(clinux_ftruncate(memory.raw, 1 << 20), .ftruncate, "the pool")
    try check(clinux_fchmod(memory.raw, 0o400), .fchmod, "the pool")
    try check(
      clinux_add_seals(memory.raw, Int32(CLINUX_SEAL_SHRINK | CLINUX_SEAL_GROW)), .seal, "the pool")
    return OwnedDescriptor(adopting: clinux_reopen_read_only(memory.raw))
  }
}
