import BackupProtocol
import JSON
import ScriptedHost
import SharedPool
import Synchronization
import Testing
@testable import WriterKit

private enum Mode: String { case fast, small }

private let seenOptions = Mutex<[String]>([])

private final class OptionsWriter: IdleWriter {
  required init(job: Job, output: Output, host: Host) throws(PluginError) {
    let options = host.options
    let mode = options.choice("mode", as: Mode.self)
    let words = [
      "\(options.integer("level") ?? -1)", mode?.rawValue ?? "-", options.text("note") ?? "-",
      "\(options.flag("sums"))",
    ]
    seenOptions.withLock { $0.append(words.joined(separator: " ")) }
    try super.init(job: job, output: output, host: host)
  }
}

@Suite(.serialized) struct `Options of a job` {
  /// What the writer sees of them, or why the job is refused.
  private func outcome(_ options: JSONObject) throws -> String {
    seenOptions.withLock { $0 = [] }
    let kit = try KitSession(
      OptionsWriter.self, pool: nil, shape: PoolShape(slotCount: 4, slotBytes: 65536))
    try kit.host.greet()
    do { try kit.host.start([.config(1, "c", [])], options: options) } catch {
      #expect(kit.end() == 1)
      let refusal = try #require(kit.host.fatalError)
      return "\(refusal.code.name): \(refusal.message)"
    }
    try kit.host.write(.config(1, "c", []), digest: .none)
    _ = try kit.host.finish()
    #expect(kit.end() == 0)
    return seenOptions.withLock { $0.joined() }
  }

  @Test func `have the types of the manifest, and its defaults`() throws {
    #expect(try outcome([:]) == "3 - - false")
    let all: JSONObject = ["level": 9, "mode": "small", "note": "a b", "sums": true]
    #expect(try outcome(all) == "9 small a b true")
    #expect(try outcome(["level": 1]) == "1 - - false")
  }

  private static let refused: [(JSONObject, String)] = [
    (["level": 0], "option \"level\" must be a whole number from 1 to 9"),
    (["level": 10], "option \"level\" must be a whole number from 1 to 9"),
    (["level": "3"], "option \"level\" must be a whole number from 1 to 9"),
    (["mode": "slow"], "option \"mode\" must be fast, small"),
    (["sums": 1], "option \"sums\" must be on or off"),
    (["note": nil], "option \"note\" must be text"),
    (["speed": 1], "raw has no option \"speed\""),
  ]

  @Test(arguments: refused)
  func `that the manifest does not allow are refused`(options: JSONObject, why: String) throws {
    #expect(try outcome(options) == "E_BAD_OPTION: \(why)")
  }

  @Test func `do not come into an output that the manifest does not have`() throws {
    let kit = try KitSession(
      IdleWriter.self, pool: nil, shape: PoolShape(slotCount: 4, slotBytes: 65536))
    try kit.host.greet()
    #expect(throws: (any Error).self) {
      try kit.host.start([.config(1, "c", [])], output: .pipe)
    }
    #expect(kit.host.fatalError?.code == .badJob)
    #expect(kit.host.fatalError?.message == "an archive of raw is a directory, not a pipe")
    #expect(kit.end() == 1)
  }
}
