import CommandLine
import System
import Testing

/// What is recorded of host and plugins can be shown, and nothing private is in it.
@Suite(.inTurns) struct `A recording of a command` {
  private let place: Scratch

  init() throws {
    place = try Scratch()
    try place.makeSparse("d.raw", bytes: 3 << 20, data: [(0, 4096), (1 << 20, 70000)])
    try place.create("m.conf", Array("a password".utf8))
  }

  private func run(_ words: [String]) async throws -> Finding {
    try await sluice(words, in: place.directory)
  }

  private func record(_ words: [String], options: [String] = []) async throws -> Finding {
    try await run(["plugin", "record"] + options + ["r"] + words)
  }

  private func dump() async throws -> [String] {
    let finding = try await run(["plugin", "dump", "r"])
    #expect(finding.status == 0, "\(finding.errors)")
    return finding.output.split(separator: "\n").map(String.init)
  }

  @Test(arguments: ["auto", "off"])
  func `has every frame, and only the size of what disks hold`(_ sharing: String) async throws {
    let finding = try await record([
      "backup", "--image", "d=d.raw", "--config", "m.conf", "--to", "raw=a", "--to", "vma:copy=b",
      "--shared-memory", sharing,
    ])
    #expect(finding.status == 0, "\(finding.errors)")
    #expect(try await run(["verify", "b"]).status == 0)
    let lines = try await dump()
    for plugin in ["raw", "copy"] {
      let told = lines.filter { $0.contains(" \(plugin) ") }
      #expect(told.first?.hasSuffix("begins") == true)
      #expect(told.last?.hasSuffix("-- ended with exit status 0") == true)
      for type in ["HELLO", "JOB", "OPEN", "DATA", "ZERO", "CLOSE", "FINISH"] {
        #expect(told.contains { $0.contains(" -> \(type) #") }, "\(type)")
      }
      #expect(told.contains { $0.contains(" <- FINISHED #") })
      let contents = told.filter { $0.hasSuffix(", left out") }
      #expect(contents.count >= 2, "\(told)")
    }
    let text = String(decoding: try place.bytes("r"), as: UTF8.self)
    #expect(!text.contains("a password"))
    #expect(!text.contains(hexadecimal("a password")))
    #expect(!text.contains(hexadecimal(try place.bytes("d.raw").prefix(20))))
    #expect(try await place.shell("stat -c %a r") == "600\n")
  }

  @Test func `has what disks hold if that is wanted, of a reader too`() async throws {
    #expect(try await run(["backup", "--image", "d=d.raw", "--to", "vma=a"]).status == 0)
    let finding = try await record(["verify", "a"], options: ["--contents"])
    #expect(finding.status == 0, "\(finding.errors)")
    let text = String(decoding: try place.bytes("r"), as: UTF8.self)
    #expect(text.contains(hexadecimal(try place.bytes("d.raw").prefix(20))))
    let lines = try await dump()
    #expect(lines.contains { $0.contains("slot 0: ") && !$0.hasSuffix("left out") })
    #expect(!lines.contains { $0.hasSuffix("changed since") })
  }

  @Test func `that was changed, cut or never made is told`() async throws {
    let finding = try await record(
      ["backup", "--image", "d=d.raw", "--to", "raw=a"], options: ["--contents"])
    #expect(finding.status == 0, "\(finding.errors)")
    try await place.shell("sed 's/7b2276657273/7b2376657273/' r > changed")
    try await place.shell("head -c 3000 r > cut; echo x >> r")
    let changed = try await run(["plugin", "dump", "changed"])
    #expect(changed.output.contains("a frame that was changed since: "))
    let faults: [(String, Int32, String)] = [
      ("cut", 65, "cut is incomplete: it ends in the middle of line "),
      ("r", 65, "r is damaged: line "), ("d.raw", 65, "d.raw is no recording"),
      ("nothing", 66, "cannot read nothing: "),
    ]
    for (file, status, words) in faults {
      let finding = try await run(["plugin", "dump", file])
      #expect(finding.status == status, "\(file): \(finding.errors)")
      #expect(finding.errors.contains(words), "\(finding.errors)")
    }
  }

  @Test func `is refused before anything starts`() async throws {
    try await place.shell("echo mine > r")
    let exists = try await record(["backup", "--image", "d=d.raw", "--to", "raw=a"])
    #expect(exists.status == 73)
    #expect(exists.errors.contains("cannot create r: already exists"), "\(exists.errors)")
    #expect(!place.exists("a"))
    let other = try await record(["doctor"])
    #expect(other.status == 64)
    #expect(other.errors.contains("must be one of backup, restore"), "\(other.errors)")
    let wrong = try await run(["plugin", "record", "s", "backup", "--nonsense"])
    #expect(wrong.status == 64)
    #expect(!place.exists("s"))
  }

  private func hexadecimal(_ text: String) -> String { hexadecimal(text.utf8) }

  private func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
