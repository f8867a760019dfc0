import CommandLine
import Testing

/// The plugins of this build pass all levels that they declare.
@Suite(.inTurns) struct PluginTests {
  private static let folder = Build.directory + "/../../../Plugins"

  @Test(arguments: ["raw", "vma", "ova", "qcow2"])
  func `the plugin passes every case of the levels it declares`(_ name: String) async throws {
    let finding = try await sluice(
      ["plugin", "check", "\(Self.folder)/\(name)/\(name).json"], within: 300)
    #expect(finding.status == 0, "\(finding.lines.filter { $0.hasPrefix("not ok") })")
    #expect(finding.lines.first == "TAP version 14")
    let plan = finding.lines.dropFirst().first?.dropFirst(3).description ?? ""
    let results = finding.lines.filter { $0.hasPrefix("ok ") }
    #expect(String(results.count) == plan)
    for level in ["Core", "Shared memory", "Read"] {
      #expect(finding.output.contains("# \(level): "), "no results of \(level)")
    }
    #expect(finding.left == [])
  }

  @Test func `what a manifest does not declare is skipped with a reason`() async throws {
    let finding = try await sluice(
      ["plugin", "check", "--level", "increment", "\(Self.folder)/raw/raw.json"])
    #expect(finding.status == 0)
    let skipped = finding.lines.filter { $0.contains("# SKIP not declared") }
    #expect(skipped.count > 3, "\(finding.output)")
  }
}
