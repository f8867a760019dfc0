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

  @Test func `a READ that fails is told with what the plugin said of it`() async throws {
    let place = try Scratch()
    let sdk = Build.directory + "/../../../Plugins/sdk/python"
    let change = #"s/^        place, end = self.places.*/        raise damaged("an empty shelf")/"#
    try await place.shell(
      """
      chmod 755 . && install -m 644 '\(sdk)/sluice.py' '\(sdk)/reel.json' . && \
      sed '\(change)' '\(sdk)/reel.py' >reel.py && chmod 755 reel.py
      """)
    let finding = try await sluice(
      ["plugin", "check", "--case", "read.streams", place.directory], within: 100)
    #expect(finding.status == 76)
    let words = "ended with E_CORRUPT (the archive is damaged: an empty shelf)"
    #expect(finding.output.contains(words), "\(finding.output)")
  }

  @Test(arguments: Example.sandboxed.map(\.language).filter { ["python", "c"].contains($0) })
  func `an SDK refuses the state of a machine that the manifest does not list`(
    language: String
  ) async throws {
    let place = try Scratch()
    let sdk = Build.directory + "/../../../Plugins/sdk"
    try await place.shell(
      """
      chmod 755 . && cp -r '\(sdk)/\(language)' '\(sdk)/build-examples' . && mkdir rust && \
      cp '\(sdk)/rust/Cargo.toml' rust && chmod -R u+w . && \
      sed -i '/"streams": \\[$/,/\\],/d' \(language)/reel.json && \
      sed -i 's/"streams": .*"vmstate"\\], //' \(language)/reel.* && \
      sh build-examples "$PWD/built" \(language) && ! grep vmstate built/\(language)/reel.json
      """, within: 60)
    let finding = try await sluice(
      ["plugin", "check", "--case", "core.vmstate", place.path("built/\(language)")], within: 100)
    #expect(finding.status == 0, "\(finding.output)")
    #expect(finding.output.contains("# Core: 1 passed, 0 failed, 0 not applicable"))
  }
}
