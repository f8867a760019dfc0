import CommandLine
import System
import Testing

/// Readers that lie about a range of a disk, and the words a user must hear.
@Suite(.inTurns) struct RangeReaderTests {
  typealias Lie = ReaderTests.Lie

  static let lies = [
    Lie(
      "range-opens", 76, "OPEN is not allowed in the answer to a READ of a range",
      "([7.2-2], E_STATE)"),
    Lie(
      "range-closes", 76, "CLOSE is not allowed in the answer to a READ of a range",
      "([7.2-2], E_STATE)"),
    Lie(
      "range-goes-beyond", 76, "ZERO goes beyond the range that was asked for",
      "([7.2-2], E_PROTOCOL)"),
    Lie(
      "range-ends-early", 76, "READ_DONE came before all of the range that was asked for",
      "([7.2-2], E_PROTOCOL)"),
    Lie(
      "range-elsewhere", 76, "DATA continues the stream at byte 65536 instead of 0",
      "([6.2-3], E_PROTOCOL)"),
    Lie("range-unchanged", 76, "ZERO has kind 2", "([4.8-2], E_PROTOCOL)"),
    Lie("range-answers-twice", 76, "READ_DONE", "([7.2-3], E_STATE)"),
    Lie("range-fails-later", 65, "\"d\" in the archive cannot be read: E_CORRUPT"),
    Lie("range-dies", 70, "exited with status 1 before finishing", "([2.4-1], E_INTERNAL)"),
    Lie("honest", 69, "plugin \"honest\" reads only whole disks"),
  ]

  private func read(
    _ name: String, _ place: Scratch, _ more: [String]
  ) async throws -> Finding {
    let plugins = try await PluginFolder([name])
    if !place.exists("archive") { try await place.shell("mkdir archive") }
    let words = ["read", "archive", "--disk", "d", "--output", "out"]
    return try await sluice(
      words + more + ["--format", name, "--plugin-path", plugins.path], in: place.directory)
  }

  @Test(arguments: lies)
  func `a reader that lies leaves no file`(lie: Lie) async throws {
    let place = try Scratch()
    let finding = try await read(lie.name, place, ["--length", "3M"])
    #expect(finding.status == lie.status, "\(finding.errors)")
    #expect(finding.errors.contains(lie.says), "\(finding.errors)")
    #expect(lie.cites.isEmpty || finding.errors.contains(lie.cites), "\(finding.errors)")
    #expect(finding.left == [])
    #expect(try place.names() == ["archive"])
  }

  @Test func `a reader that stands still is given up`() async throws {
    let place = try Scratch()
    let finding = try await read("range-hangs", place, ["--length", "1M", "--stall-limit", "1.5"])
    #expect(finding.status == 70, "\(finding.errors)")
    #expect(finding.errors.contains("while the host waited for the answer to a READ"))
    #expect(finding.left == [])
    #expect(try place.names() == ["archive"])
  }

  @Test func `the same reader without a lie is believed, and its bytes are not called verified`()
    async throws
  {
    let place = try Scratch()
    let finding = try await read("range-well", place, ["--offset", "4K", "--length", "2M"])
    #expect(finding.status == 0, "\(finding.errors)")
    #expect(finding.errors.contains("is not verified"), "\(finding.errors)")
    #expect(finding.left == [])
    try await place.shell(
      "test $(stat -c %s out) = 2097152 && test $(tr -d '\\0' < out | wc -c) = 61440")
  }
}
