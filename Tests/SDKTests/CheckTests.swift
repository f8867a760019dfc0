import CommandLine
import Testing

/// The examples against all that protocol.md demands, in their sandbox.
@Suite(.inTurns) struct CheckTests {
  @Test(arguments: Example.sandboxed)
  func `the example of an SDK passes every case of the levels it declares`(
    _ example: Example
  ) async throws {
    let finding = try await sluice(["plugin", "check", example.folder], within: 300)
    #expect(finding.status == 0, "\(finding.lines.filter { $0.hasPrefix("not ok") })")
    for level in ["Core", "Shared memory", "Read", "Increment"] {
      #expect(finding.output.contains("# \(level): "), "no results of \(level)")
    }
    #expect(finding.left == [])
  }
}
