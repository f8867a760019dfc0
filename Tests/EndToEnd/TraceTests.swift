import CommandLine
import System
import Testing

/// What is said between host and plugins can be read afterwards.
@Suite(.inTurns) struct `A trace` {
  private let place: Scratch

  init() throws {
    place = try Scratch()
    try place.makeSparse("d.raw", bytes: 3 << 20, data: [(0, 4096)])
  }

  private func lines(_ name: String) throws -> [String] {
    String(decoding: try place.bytes(name), as: UTF8.self).split(separator: "\n").map(String.init)
  }

  private func run(_ words: [String]) async throws -> Finding {
    try await sluice(words, in: place.directory)
  }

  @Test func `has every frame of a backup in words, with its section`() async throws {
    let finding = try await run([
      "backup", "--image", "d=d.raw", "--to", "raw=a", "--to", "raw:copy=b", "--shared-memory",
      "off", "--trace", "t",
    ])
    #expect(finding.status == 0, "\(finding.errors)")
    let lines = try lines("t")
    for plugin in ["raw", "copy"] {
      let told = lines.filter { $0.contains(" \(plugin) ") }
        .map { $0.split(separator: " ", maxSplits: 3).suffix(2).joined(separator: " ") }
      let words = told.map { $0.split(separator: " ").prefix(2).joined(separator: " ") }
      #expect(
        words.filter { $0.hasPrefix("->") && $0 != "-> frame" } == [
          "-> HELLO", "-> JOB", "-> OPEN", "-> DATA", "-> ZERO", "-> CLOSE", "-> FINISH",
        ], "\(told)")
      #expect(
        words.filter { $0.hasPrefix("<-") && $0 != "<- LOG" && $0 != "<- PROGRESS" } == [
          "<- HELLO_ACK", "<- JOB_ACK", "<- RELEASE", "<- FINISHED",
        ], "\(told)")
      #expect(told.contains { $0.hasPrefix("-> DATA") && $0.contains("65536 bytes at 0, inline") })
      #expect(told.contains { $0.hasPrefix("-> ZERO") && $0.hasSuffix("hole [§4.8]") })
      #expect(told.last == "-- ended with exit status 0")
    }
    #expect(try await place.shell("stat -c %a t") == "600\n")
  }

  @Test func `of a reader and of a damaged archive is whole`() async throws {
    #expect(try await run(["backup", "--image", "d=d.raw", "--to", "vma=a"]).status == 0)
    #expect(try await run(["verify", "a", "--trace", "v"]).status == 0)
    #expect(try lines("v").contains { $0.contains("<- READ_DONE") && $0.contains("done, answers") })
    try await place.shell("printf X | dd of=a bs=1 seek=13000 conv=notrunc status=none")
    #expect(try await run(["verify", "a", "--trace", "w"]).status == 65)
    #expect(try lines("w").contains { $0.contains("<- ERROR") && $0.contains("E_CORRUPT") })
  }

  @Test func `never replaces a file, and tells before anything starts`() async throws {
    try await place.shell("echo mine > t")
    let finding = try await run(["backup", "--image", "d=d.raw", "--to", "raw=a", "--trace", "t"])
    #expect(finding.status == 73)
    #expect(finding.errors.contains("cannot create t: already exists"), "\(finding.errors)")
    #expect(try lines("t") == ["mine"])
    #expect(!place.exists("a"))
  }

  @Test func `of what was refused before a plugin was started is not left behind`() async throws {
    for words in [["--trace", "t"], []] {
      let prefix = words.isEmpty ? ["plugin", "record", "t"] : []
      let finding = try await run(
        prefix + ["backup", "--image", "d=none.raw", "--to", "raw=a"] + words)
      #expect(finding.status == 66, "\(finding.errors)")
      #expect(!place.exists("t"))
    }
  }

  @Test func `tells the readers of a chain apart`() async throws {
    let backup = ["backup", "--image", "d=d.raw"]
    try await place.shell("mkdir b")
    #expect(try await run(backup + ["--to", "qcow2=b/0", "--level", "full"]).status == 0)
    for (number, labels) in [(1, ["(parent 1)"]), (2, ["(parent 1)", "(parent 2)"])] {
      let finding = try await run(
        backup + [
          "--to", "qcow2=b/\(number)", "--level", "incremental", "--parent", "b", "--trace",
          "t\(number)",
        ])
      #expect(finding.status == 0, "\(finding.errors)")
      for label in labels + [""] {
        #expect(try lines("t\(number)").contains { $0.contains(" qcow2\(label) <- FINISHED") })
      }
    }
  }
}
