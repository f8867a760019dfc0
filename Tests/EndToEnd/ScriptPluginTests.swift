import CommandLine
import Glibc
import System
import Testing

/// Plugins that are scripts, inside the sandbox.
@Suite(.inTurns, .enabled(if: ScriptFolder.canRun, "needs perl and python3"))
struct ScriptPluginTests {
  private func expectWritten(
    by script: ScriptFolder.Script, user: UInt32?, build: String = Build.directory
  ) async throws {
    let plugins = try await ScriptFolder(script)
    let place = try Scratch(owner: user)
    try place.makeSparse("d.raw", bytes: 5 << 20, data: [(0, 1 << 20), (3 << 20 + 4096, 70_000)])
    let finding = try await sluice(
      [
        "backup", "--plugin-path", plugins.path, "--image", "d=d.raw", "--to",
        "\(script.rawValue)=out",
      ], in: place.directory, user: user, build: build)
    #expect(finding.status == 0 && finding.left == [], "\(finding.errors)")
    #expect(!finding.errors.contains("warning"), "\(finding.errors)")
    try await place.shell(script == .minimal ? "cmp d.raw out/d" : "cmp d.raw out")
    let left = try await place.shell("ls -A '\(plugins.path)'")
    #expect(!left.contains("__pycache__"))
  }

  @Test(arguments: ScriptFolder.Script.allCases)
  func `a script writes an archive inside the sandbox`(script: ScriptFolder.Script) async throws {
    try await expectWritten(by: script, user: nil)
  }

  @Test(
    .enabled(if: Build.isRoot, "root becomes an ordinary user"),
    arguments: ScriptFolder.Script.allCases)
  func `a script of an ordinary user does, too`(script: ScriptFolder.Script) async throws {
    let copy = try await PublicBuild()
    try await expectWritten(by: script, user: Build.nobody, build: copy.directory)
  }

  /// A change of the plugin's folder, and what is said of it.
  private static let refusals: [(change: String, words: String)] = [
    (
      #"sed -i 's,"profile": "python"\, "interpreter": "/usr/bin/python3"\, ,,' minimal.json"#,
      "minimal.py is a script (#!/usr/bin/env python3): write \"profile\": \"python\", "
        + "\"interpreter\": \"/usr/bin/python3\" into its manifest"
    ),
    (
      #"sed -i 's,"interpreter": "[^"]*"\, ,,' minimal.json"#,
      "its profile \"python\" needs \"interpreter\""
    ),
    (
      "sed -i 's,\"python\",\"dynamic\",' minimal.json",
      "\"interpreter\" goes with the profile \"python\", \"perl\" or \"commands\", not with "
        + "\"dynamic\""
    ),
    ("sed -i 's,\"python\",\"node\",' minimal.json", "\"profile\" is none of \"static\","),
    ("sed -i 's,/usr/bin/p,p,' minimal.json", "\"interpreter\" is not an absolute path"),
    (
      "sed -i 's,/usr/bin/python3,/usr/bin/python3.0.0,' minimal.json",
      "its interpreter /usr/bin/python3.0.0 is not installed: install it (Debian: apt install "
    ),
    (
      "sed -i 's,/usr/bin/python3,/usr/bin/perl,' minimal.json",
      "its interpreter /usr/bin/perl is not one that the profile \"python\" runs: write"
    ),
    ("echo > helper.py && chmod 666 helper.py", "/helper.py is writable by other users"),
    ("echo > .netrc && chmod 600 .netrc", "/.netrc is not readable by all users"),
    ("chmod 666 minimal.py", "/minimal.py is writable by other users"),
    ("cp /bin/cat minimal.py", "/minimal.py is a program and no script"),
  ]

  @Test(arguments: refusals.indices)
  func `a script that is not started is explained everywhere`(index: Int) async throws {
    let refusal = Self.refusals[index]
    let plugins = try await ScriptFolder(.minimal, change: refusal.change)
    let place = try Scratch()
    try place.makeSparse("d.raw", bytes: 1 << 20)
    let path = ["--plugin-path", plugins.path]
    let doctor = try await sluice(["doctor"] + path)
    #expect(doctor.output.contains(refusal.words), "\(doctor.output)")
    let list = try await sluice(["plugin", "list"] + path)
    #expect(list.errors.contains(refusal.words), "\(list.errors)")
    let backup = try await sluice(
      ["backup", "--image", "d=d.raw", "--to", "minimal=out"] + path, in: place.directory)
    #expect(backup.status == 69 && backup.errors.contains(refusal.words), "\(backup.errors)")
    #expect(try place.names() == ["d.raw"])
  }

  @Test func `a plugin tells its interpreter`() async throws {
    let plugins = try await ScriptFolder(.minimal)
    let info = try await sluice(["plugin", "info", "minimal", "--plugin-path", plugins.path])
    #expect(info.lines.contains("interpreter /usr/bin/python3"), "\(info.output)")
    #expect(info.output.contains("sandbox     python profile"))
  }

  @Test(arguments: [
    ("import subprocess; subprocess.run(['true'])", "which its sandbox denies"),
    ("import socket; socket.socket()", "called socket(2), which its sandbox denies"),
    ("open('/tmp/new', 'w')", "Read-only file system: '/tmp/new'"),
  ])
  func `a script that does what it may not fails its job`(
    line: String, words: String
  ) async throws {
    let plugins = try await ScriptFolder(
      .minimal, change: #"sed -i "s|^    made = ..|&; \#(line)|" minimal.py"#)
    let place = try Scratch()
    try place.makeSparse("d.raw", bytes: 1 << 20)
    let finding = try await sluice(
      [
        "backup", "--plugin-path", plugins.path, "--image", "d=d.raw", "--to", "minimal=out",
      ], in: place.directory)
    #expect(finding.status == 70 && finding.errors.contains(words), "\(finding.errors)")
    #expect(try place.names() == ["d.raw"])
  }
}
