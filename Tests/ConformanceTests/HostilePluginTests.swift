import CommandLine
import Glibc
import Testing

/// Plugins that do not play: the check of each ends, says so, and leaves nothing.
@Suite(.inTurns) struct HostilePluginTests {
  @Test(arguments: [
    "says-nothing", "crashes-at-once", "closes-its-pipes", "floods-the-log", "fork-bomb",
    "eats-memory", "litters-at-once", "never-reads", "ignores-abort", "writes-for-ever",
  ])
  func `a hostile plugin fails in time, and nothing is left`(_ trick: String) async throws {
    let plugins = try await PluginFolder([trick])
    let place = try Scratch()
    let ids = ["core.info", "core.hello", "core.archive", "core.abort-active", "read.list"]
    let finding = try await sluice(
      ["plugin", "check", "--scratch-dir", place.directory]
        + ids.flatMap { ["--case", $0] } + ["\(plugins.path)/\(trick).json"], within: 100)
    #expect(finding.status == 76, "\(finding.errors)")
    #expect(finding.errors.hasPrefix("sluice: plugin \"\(trick)\" failed "), "\(finding.errors)")
    #expect(finding.left == [])
    #expect(try place.names() == [])
  }

  @Test func `an archive that takes a GiB is stopped, by its clause`() async throws {
    let plugins = try await PluginFolder(["writes-for-ever"])
    let finding = try await sluice(
      ["plugin", "check", "--case", "core.archive", "\(plugins.path)/writes-for-ever.json"],
      within: 100)
    #expect(finding.output.contains("clause: \"4.4-4\""), "\(finding.output)")
  }

  @Test func `a plugin that never answers is done with before two minutes`() async throws {
    let plugins = try await PluginFolder(["says-nothing"])
    let finding = try await sluice(
      ["plugin", "check", "\(plugins.path)/says-nothing.json"], within: 120)
    #expect(finding.status == 76)
    #expect(finding.seconds < 110)
    #expect(
      finding.lines.filter { $0.contains("# SKIP needs core.hello, which fails") }.count > 100)
  }

  @Test func `without a sandbox a plugin's children are ended too`() async throws {
    let place = try Scratch()
    try await place.shell(
      """
      chmod 755 .
      cat >odd <<'END' && chmod 755 odd
      import subprocess, sys
      subprocess.Popen(["/usr/bin/sleep", "600"])
      sys.exit(3)
      END
      """)
    let profile = #""profile": "python", "interpreter": "/usr/bin/python3","#
    let manifest = Self.manifest(of: "odd", profile)
    try place.write("odd.json", Array(manifest.utf8))
    let finding = try await sluice(
      [
        "plugin", "check", "--sandbox", "off", "--case", "core.hello", place.directory,
      ], within: 100)
    #expect(finding.status == 76, "\(finding.errors)")
    #expect(finding.output.contains("exited with status 3"), "\(finding.output)")
    #expect(finding.left == [])
  }

  @Test func `a check that is interrupted ends at once, and leaves nothing`() async throws {
    let plugins = try await PluginFolder(["says-nothing"])
    let place = try Scratch()
    let program = try Program(
      [
        Build.directory + "/sluice", "plugin", "check", "--scratch-dir", place.directory,
        "\(plugins.path)/says-nothing.json",
      ])
    #expect(try await program.says("TAP version", within: 50))
    program.send(SIGINT)
    let finding = try await program.finding(within: 60)
    #expect(finding.status == 130)
    // Most cases were not begun any more.
    #expect(finding.lines.filter { $0.contains("ok ") }.count < 100)
    #expect(finding.left == [])
    #expect(try place.names() == [])
  }

  @Test func `a plugin that cannot be started is told before anything is tried`() async throws {
    let place = try Scratch()
    try await place.shell("chmod 755 . && touch odd")
    try place.write("odd.json", Array(Self.manifest(of: "odd").utf8))
    let closed = try await sluice(["plugin", "check", place.directory])
    #expect(closed.status == 69)
    #expect(closed.errors.contains("odd cannot be run: "), "\(closed.errors)")
    #expect(closed.output == "")
    try await place.shell("rm odd")
    let missing = try await sluice(["plugin", "check", place.directory + "/odd.json"])
    #expect(missing.status == 69)
    try await place.shell("printf '\\177ELF' >odd && chmod 755 odd")
    let broken = try await sluice(["plugin", "check", "--case", "core.archive", place.directory])
    #expect(broken.status == 69)
    #expect(broken.errors.contains("could not be tried"), "\(broken.errors)")
  }

  @Test func `a choice of cases that leaves none is an error`() async throws {
    let raw = Build.directory + "/../../../Plugins/raw"
    let finding = try await sluice(
      ["plugin", "check", "--level", "read", "--case", "core.info", raw])
    #expect(finding.status == 64)
    #expect(finding.errors.contains("none of the cases that --case names"), "\(finding.errors)")
  }

  @Test func `a manifest that is none, and a scratch directory that is none, are errors`()
    async throws
  {
    let place = try Scratch()
    try await place.shell("chmod 755 . && echo '{\"manifest\": 1}' >odd.json")
    let odd = try await sluice(["plugin", "check", place.directory])
    #expect(odd.status == 66)
    #expect(odd.errors.contains("odd.json cannot be used: "), "\(odd.errors)")
    let raw = Build.directory + "/../../../Plugins/raw"
    let nowhere = try await sluice(["plugin", "check", "--scratch-dir", "/nonexistent", raw])
    #expect(nowhere.status == 66 || nowhere.status == 73, "\(nowhere.status)")
    #expect(nowhere.errors.contains("/nonexistent"), "\(nowhere.errors)")
  }

  private static func manifest(of name: String, _ more: String = "") -> String {
    """
    {"manifest": 1, \(more) "name": "\(name)", "version": "1", "executable": "\(name)",
     "protocol": [1],
     "formats": [{"name": "\(name)", "modes": ["write"], "output": ["directory"]}]}
    """
  }
}
