import CommandLine
import System
import Testing

/// Archives that come by standard input.
@Suite(.inTurns) struct StandardInputTests {
  private let place: Scratch
  private let plugins: StackFolder

  init() async throws {
    place = try Scratch()
    plugins = try await StackFolder()
    try place.makeSparse("d.raw", bytes: 8 << 20, data: [(0, 3 << 20), (5 << 20, 70_000)])
    try place.write("vm.conf", Array("cores: 2\n".utf8))
    let made = try await sluice(
      [
        "backup", "--plugin-path", plugins.path, "--image", "d=d.raw", "--config", "vm.conf",
        "--to", "stack=a.stack", "--to", "raw=a.raw", "--quiet",
      ], in: place.directory)
    #expect(made.status == 0, "\(made.errors)")
  }

  /// `sluice VERB … -` with a way for the archive to come.
  private func run(_ verb: String, _ before: String, _ after: String = "") async throws -> String {
    try await place.shell(
      """
      \(before) '\(Build.directory)/sluice' \(verb) --plugin-path '\(plugins.path)' - \(after); \
      echo "= $?"
      """)
  }

  @Test(arguments: [
    ("", "< a.stack"), ("cat a.stack |", ""), ("cat a.stack |", "--format stack"),
    ("{ head -c 3 a.stack; sleep 0.3; tail -c +4 a.stack; } |", ""),
    ("{ sleep 0.3; head -c 99 a.stack; sleep 0.3; tail -c +100 a.stack; } |", "--format stack"),
    ("{ read -r first;", "; } < a.stack"),
  ])
  func `an archive is read from standard input`(before: String, after: String) async throws {
    let listed = try await run("list", before, after)
    #expect(listed.contains("disk     d        8.0 MiB") && listed.contains("= 0"), "\(listed)")
    let verified = try await run("verify", before, after)
    #expect(verified.contains("standard input is not verified"), "\(verified)")
    #expect(verified.contains("= 1"), "\(verified)")
    let restored = try await run("restore --to restored", before, after)
    #expect(restored.contains("= 0"), "\(restored)")
    try await place.shell("cmp d.raw restored/d.raw && cmp vm.conf restored/vm.conf")
    try await place.shell("rm -r restored")
  }

  @Test func `what is skipped is passed by in a pipe`() async throws {
    let restored = try await run("restore --to restored --skip vm.conf", "cat a.stack |")
    #expect(restored.contains("= 0"), "\(restored)")
    try await place.shell("cmp d.raw restored/d.raw && test ! -e restored/vm.conf")
  }

  @Test(arguments: [9, 2000, 3_000_000])
  func `half an archive in a pipe is found`(length: Int) async throws {
    for verb in ["verify", "restore --to restored"] {
      let finding = try await run(verb, "head -c \(length) a.stack |")
      #expect(finding.contains("the stack ends too early") && finding.contains("= 65"))
    }
    #expect(!place.exists("restored"))
  }

  @Test(arguments: [
    ("echo hello |", "", 65, "unrecognised archive format"),
    (": |", "", 65, "unrecognised archive format"),
    ("", "< /dev/null", 65, "--format"),
    ("", "< d.raw", 65, "unrecognised archive format"),
    ("cat a.stack |", "--format raw", 69, "cannot be read from a pipe"),
    ("", "< a.raw", 64, "it is a directory"),
    ("", "< /dev/null --format stack", 65, "the stack ends too early"),
  ])
  func `what comes by standard input and cannot be read is refused`(
    before: String, after: String, status: Int, words: String
  ) async throws {
    let finding = try await run("list", before, after)
    #expect(finding.contains(words) && finding.contains("= \(status)"), "\(finding)")
  }

  @Test func `neither a terminal nor a socket is read from`() async throws {
    let words = "'\(Build.directory)/sluice' list -"
    try place.write("command", Array(words.utf8))
    let typed = try await place.shell("script -qec \"$(cat command)\" typescript; echo \"= $?\"")
    #expect(typed.contains("it is a terminal") && typed.contains("= 64"))
    try place.write(
      "by-socket.py",
      Array(
        """
        import socket, subprocess
        ours, theirs = socket.socketpair()
        raise SystemExit(subprocess.call(["\(Build.directory)/sluice", "list", "-"], stdin=theirs))
        """.utf8))
    let sent = try await place.shell("python3 by-socket.py; echo \"= $?\"")
    #expect(sent.contains("it is a socket") && sent.contains("= 64"))
  }
}
