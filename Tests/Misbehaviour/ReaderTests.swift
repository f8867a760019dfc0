import CommandLine
import System
import Testing

/// Readers that lie about what is in an archive, and the words a user must hear.
@Suite(.inTurns) struct ReaderTests {
  struct Lie: Sendable, CustomTestStringConvertible {
    let name: String
    let status: Int32
    let says: String

    init(_ name: String, _ status: Int32, _ says: String) {
      self.name = name
      self.status = status
      self.says = says
    }

    var testDescription: String { name }
  }

  static let lies = [
    Lie("lists-a-path", 76, "JOB_ACK has no proper \"name\""),
    Lie("lists-escapes", 76, "JOB_ACK has no proper \"name\""),
    Lie("lists-an-endless-disk", 76, "JOB_ACK has no proper \"size\""),
    Lie("lists-no-size", 65, "has no size"),
    Lie("reads-unasked", 76, "OPEN is not allowed"),
    Lie("reads-twice-the-same", 65, "continues at byte 0 instead of 65536"),
    Lie("reads-with-a-gap", 65, "continues at byte 65536 instead of 0"),
    Lie("reads-beyond-the-end", 65, "is longer than the announced 4194304 bytes"),
    Lie("reads-too-little", 65, "is truncated: 65536 of 4194304 bytes"),
    Lie("reads-a-foreign-slot", 76, "DATA has slot 1000"),
    Lie("reads-a-long-slot", 76, "DATA has length 4194304"),
    Lie("reads-for-another-request", 76, "DATA has request"),
    Lie("reads-another-stream", 76, "OPEN is not allowed for a stream that was not requested"),
    Lie("reads-before-open", 76, "DATA is not allowed here in the answer to a READ"),
    Lie("reads-unchanged", 76, "ZERO has kind 2"),
    Lie("reads-nothing", 76, "READ_DONE is not allowed here in the answer to a READ"),
    Lie("cannot-read", 65, "\"d\" in the archive cannot be read: E_CORRUPT"),
    Lie("cannot-read-the-storage", 74, "cannot be read: E_IO"),
    Lie("cannot-keep", 74, "--scratch-dir"),
    Lie("cannot-go-back", 69, "cannot be read: E_UNSUPPORTED"),
    Lie("cannot-say", 70, "cannot be read: E_INTERNAL"),
    Lie("announces-what-it-read", 76, "FINISHED has no proper \"artefacts\""),
    Lie("dies-reading", 70, "exited with status 1 before finishing"),
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

  @Test func `two streams that would be one file are not restored`() async throws {
    let place = try Scratch()
    let finding = try await run("lists-a-clash", place, ["restore", "archive", "--to", "restored"])
    #expect(finding.status == 65)
    #expect(finding.errors.contains("would be restored to the same file"))
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
