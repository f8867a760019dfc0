import CommandLine
import System
import Testing

/// Readers that lie about what is in an archive, and the words a user must hear.
@Suite(.inTurns) struct ReaderTests {
  struct Lie: Sendable, CustomTestStringConvertible {
    let name: String
    let status: Int32
    let says: String
    /// The clause of protocol.md it breaks, and the code, as messages cite them.
    let cites: String

    init(_ name: String, _ status: Int32, _ says: String, _ cites: String = "") {
      self.cites = cites
      self.name = name
      self.status = status
      self.says = says
    }

    var testDescription: String { name }
  }

  static let lies = [
    Lie("lists-a-path", 76, "JOB_ACK has no proper \"name\"", "([1.4-1], E_PROTOCOL)"),
    Lie("lists-escapes", 76, "JOB_ACK has no proper \"name\"", "([1.4-1], E_PROTOCOL)"),
    Lie("lists-an-endless-disk", 76, "JOB_ACK has no proper \"size\"", "([16-1], E_PROTOCOL)"),
    Lie("lists-no-size", 65, "has no size"),
    Lie("reads-unasked", 76, "OPEN is not allowed", "([7.2-1], E_STATE)"),
    Lie(
      "reads-twice-the-same", 76, "DATA continues the stream at byte 0 instead of 65536",
      "([6.2-3], E_PROTOCOL)"),
    Lie(
      "reads-with-a-gap", 76, "DATA continues the stream at byte 65536 instead of 0",
      "([6.2-3], E_PROTOCOL)"),
    Lie(
      "reads-beyond-the-end", 76, "ZERO ends at byte 8388608 of a stream of 4194304 bytes",
      "([6.2-3], E_PROTOCOL)"),
    Lie(
      "reads-too-little", 76,
      "CLOSE says that the stream has 65536 bytes, but 65536 of 4194304 came before it",
      "([4.9-1], E_PROTOCOL)"),
    Lie(
      "closes-too-long", 76,
      "CLOSE says that the stream has 4194305 bytes, but 4194304 of 4194304 came before it",
      "([4.9-1], E_PROTOCOL)"),
    Lie("reads-a-false-digest", 65, "its digest differs", "([7.2-9], E_CORRUPT)"),
    Lie("lists-a-false-digest", 65, "its digest differs", "([7.2-9], E_CORRUPT)"),
    Lie("reads-a-foreign-slot", 76, "DATA has slot 1000", "(§4.7, E_PROTOCOL)"),
    Lie("reads-a-long-slot", 76, "DATA has length 4194304", "([4.7-5], E_PROTOCOL)"),
    Lie("reads-for-another-request", 76, "DATA has request", "([7.2-3], E_PROTOCOL)"),
    Lie(
      "reads-another-stream", 76, "OPEN is not allowed for a stream that was not requested",
      "([7.2-3], E_STATE)"),
    Lie(
      "reads-before-open", 76, "DATA is not allowed here in the answer to a READ",
      "([7.2-1], E_STATE)"),
    Lie("reads-unchanged", 76, "ZERO has kind 2", "([4.8-2], E_PROTOCOL)"),
    Lie(
      "reads-nothing", 76, "READ_DONE is not allowed here in the answer to a READ",
      "([7.2-1], E_STATE)"),
    Lie("cannot-read", 65, "\"d\" in the archive cannot be read: E_CORRUPT"),
    Lie("cannot-read-the-storage", 74, "cannot be read: E_IO"),
    Lie("cannot-keep", 74, "--scratch-dir"),
    Lie("cannot-go-back", 69, "cannot be read: E_UNSUPPORTED"),
    Lie("cannot-say", 70, "cannot be read: E_INTERNAL"),
    Lie(
      "announces-what-it-read", 76, "FINISHED has no proper \"artefacts\"",
      "([4.4-1], E_PROTOCOL)"),
    Lie("dies-reading", 70, "exited with status 1 before finishing", "([2.4-1], E_INTERNAL)"),
  ]

  private func run(
    _ name: String, _ place: Scratch, _ arguments: [String]
  ) async throws -> Finding {
    let plugins = try await PluginFolder([name])
    if !place.exists("archive") { try await place.shell("mkdir archive") }
    return try await sluice(
      arguments + ["--format", name, "--plugin-path", plugins.path], in: place.directory)
  }

  @Test(arguments: lies)
  func `a reader that lies restores nothing and verifies nothing`(lie: Lie) async throws {
    let place = try Scratch()
    for verb in [["restore", "archive", "--to", "restored"], ["verify", "archive"]] {
      let finding = try await run(lie.name, place, verb)
      #expect(finding.status == lie.status, "\(finding.errors)")
      #expect(finding.errors.contains(lie.says), "\(finding.errors)")
      #expect(lie.cites.isEmpty || finding.errors.contains(lie.cites), "\(finding.errors)")
      #expect(finding.left == [])
      #expect(!finding.errors.unicodeScalars.contains { $0.value < 32 && $0 != "\n" })
    }
    #expect(try place.names() == ["archive"])
  }

  @Test(arguments: ["hangs-reading", "complains-for-ever", "stalls"])
  func `a reader that stands still is given up, by every verb`(name: String) async throws {
    let place = try Scratch()
    var verbs = [
      ["restore", "archive", "--to", "restored"], ["verify", "archive"],
      ["convert", "archive", "--to", "raw=converted"],
    ]
    // Only at the end there is something to wait for.
    if name == "stalls" { verbs = [["verify", "archive"], ["list", "archive"]] }
    for verb in verbs {
      let finding = try await run(name, place, verb + ["--stall-limit", "1.5"])
      #expect(finding.status == 70, "\(verb): \(finding.errors)")
      #expect(
        finding.errors.contains(
          "made no progress for 1 s (--stall-limit) while the host waited for"))
      #expect(finding.left == [])
      #expect(try place.names() == ["archive"])
    }
  }

  @Test func `a stream of unknown size is listed, and nobody takes it for an empty one`()
    async throws
  {
    let place = try Scratch()
    let listed = try await run("lists-no-size", place, ["list", "archive"])
    #expect(listed.status == 0, "\(listed.errors)")
    #expect(listed.output.contains("d  ?"), "\(listed.output)")
    for verb in [
      ["convert", "archive", "--to", "raw=out"],
      ["read", "archive", "--disk", "d", "--output", "out"],
      ["restore", "archive", "--disk", "d=out"],
      ["restore", "archive", "--to", "out", "--keep-damaged"],
    ] {
      let finding = try await run("lists-no-size", place, verb)
      #expect(finding.status == 65, "\(verb): \(finding.errors)")
      #expect(finding.errors.contains("has no size"), "\(verb): \(finding.errors)")
      #expect(try place.names() == ["archive"])
    }
  }

  @Test func `two streams that would be one file are not restored`() async throws {
    let place = try Scratch()
    let finding = try await run("lists-a-clash", place, ["restore", "archive", "--to", "restored"])
    #expect(finding.status == 64)
    #expect(finding.errors.contains("would both be restored to"), "\(finding.errors)")
    #expect(try place.names() == ["archive"])
  }

  @Test func `the same reader without a lie is believed`() async throws {
    let place = try Scratch()
    let verified = try await run("honest", place, ["verify", "archive"])
    #expect(verified.status == 1, "\(verified.errors)")
    #expect(verified.errors.contains("is not verified"))
    let restored = try await run("honest", place, ["restore", "archive", "--to", "restored"])
    #expect(restored.status == 0, "\(restored.errors)")
    #expect(try place.names("restored") == ["d.raw"])
    #expect(try place.status("restored/d.raw").size == 4 << 20)
    #expect(try place.dataBytes("restored/d.raw") == 64 << 10)
    try await place.shell("test $(tr -d A < restored/d.raw | wc -c) = 4128768")
  }
}
