import CommandLine
import Testing

/// Options of `restore` about machines, of archives that have none.
@Suite(.inTurns) struct StartOptionTests {
  private func archive() async throws -> Scratch {
    let files = try Scratch()
    try await files.shell("head -c 1M /dev/urandom >a.raw")
    let finding = try await sluice(
      ["backup", "--image", "a=a.raw", "--to", "raw=archive"], in: files.directory)
    #expect(finding.status == 0, "\(finding.errors)")
    return files
  }

  @Test(arguments: [
    ["restore", "archive", "--check", "--to", "out"], ["restore", "archive", "--check", "--start"],
    ["restore", "archive", "--disk", "a=b.raw", "--start"],
    ["restore", "archive", "--disk", "a=b.raw", "--trust-command-line"],
  ])
  func `contradictory options about a machine write nothing`(_ words: [String]) async throws {
    let files = try await archive()
    let finding = try await sluice(words, in: files.directory)
    #expect(finding.status == 64, "\(finding.errors)")
    #expect(!files.exists("out") && !files.exists("b.raw"))
  }

  @Test func `an archive without a machine has no script, and cannot be compared`() async throws {
    let files = try await archive()
    let check = try await sluice(["restore", "--check", "archive"], in: files.directory)
    #expect(check.status == 65)
    #expect(check.errors.contains("does not describe a machine"))
    let restore = try await sluice(
      ["restore", "archive", "--to", "out", "--start"], in: files.directory)
    #expect(restore.status == 65)
    #expect(restore.errors.contains("there is no script that starts it"))
    #expect(try files.names("out") == ["a.raw"])
  }
}
