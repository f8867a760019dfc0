import CommandLine
import Glibc
import System
import Testing

/// Archives that go to standard output or to a command.
@Suite(.inTurns) struct StreamTests {
  private let place: Scratch
  private let plugins: StackFolder

  init() async throws {
    place = try Scratch()
    plugins = try await StackFolder()
    try place.makeSparse("d.raw", bytes: 16 << 20, data: [(0, 6 << 20), (9 << 20, 70_000)])
    try place.write("vm.conf", Array("cores: 2\n".utf8))
  }

  private var words: [String] {
    ["backup", "--plugin-path", plugins.path, "--image", "d=d.raw", "--config", "vm.conf"]
  }

  private func backUp(_ more: [String]) async throws -> Finding {
    try await sluice(words + more, in: place.directory)
  }

  /// `sluice backup` as a part of a command of the shell.
  private func shell(_ arguments: String) async throws {
    try await place.shell("\(command) \(arguments)")
  }

  private var command: String {
    (["\(Build.directory)/sluice"] + words).map { "'\($0)'" }.joined(separator: " ")
  }

  /// The same archive as a file: of one job, since an archive tells its instant.
  private let original = ["--to", "stack:o=original"]

  // Standard output

  @Test(arguments: ["> copy", "| cat > copy", ">> copy", "1<> copy"])
  func `an archive goes to standard output, and nothing else does`(to: String) async throws {
    try await shell("--to stack=- --to stack:o=original 2> words \(to)")
    try await place.shell("cmp original copy && grep -q 'standard output is complete' words")
    #expect(!place.exists("copy.sluice.json"))
  }

  @Test func `an archive goes to a socket through another hand`() async throws {
    let words = (["\(Build.directory)/sluice"] + words + original + ["--to", "stack=-"])
      .map { "'\($0)'" }.joined(separator: ", ")
    try place.write(
      "through-socket.py",
      Array(
        """
        import socket, subprocess
        ours, theirs = socket.socketpair()
        program = subprocess.Popen([\(words)], stdout=theirs, stderr=subprocess.DEVNULL)
        theirs.close()
        with open("copy", "wb") as copy:
            while piece := ours.recv(1 << 20):
                copy.write(piece)
        raise SystemExit(program.wait())
        """.utf8))
    try await place.shell("python3 through-socket.py && cmp original copy")
  }

  @Test func `a reader that leaves is named`() async throws {
    try await place.shell(
      "{ \(command) --to stack=- 2> words; echo $? > status; } | head -c 100 > /dev/null")
    #expect(try place.text("status") == "74\n")
    let errors = try place.text("words")
    #expect(errors.contains("standard output: it was closed before the end of the archive"))
  }

  @Test(arguments: [
    (["--to", "stack:a=-", "--to", "stack:b=-"], 64, "only one archive"),
    (["--to", "stack=-", "--json"], 64, "--json"),
    (["--to", "raw=-"], 69, "cannot be written to a pipe"),
    (["--to", "raw=|cat"], 69, "cannot be written to a pipe"),
    (["--to", "stack=|"], 64, "--to"),
    (["--to", "stack=| "], 64, "--to"),
  ])
  func `a stream that cannot be is refused before anything is done`(
    arguments: [String], status: Int, words: String
  ) async throws {
    let finding = try await backUp(arguments)
    #expect(finding.status == Int32(status))
    #expect(finding.errors.contains(words), "\(finding.errors)")
    #expect(finding.output == "")
    #expect(try place.names() == ["d.raw", "vm.conf"])
  }

  @Test func `an archive is not written to a terminal`() async throws {
    // script(1) gives the program a terminal.
    try place.write("command", Array("\(command) --to stack=-".utf8))
    let text = try await place.shell("script -qec \"$(cat command)\" typescript; echo \"= $?\"")
    #expect(text.contains("to a terminal") && text.contains("= 64"))
  }

  @Test(arguments: ["./-", "./|x"])
  func `a path that looks like a stream is a file`(path: String) async throws {
    #expect(try await backUp(["--to", "stack=\(path)"]).status == 0)
    let name = String(path.dropFirst(2))
    #expect(try place.names() == [name, "\(name).sluice.json", "d.raw", "vm.conf"].sorted())
  }

  // Commands

  @Test func `a command gets the archive`() async throws {
    let finding = try await backUp(
      original + ["--to", "stack=|echo said; cat > copy", "--json"])
    #expect(finding.status == 0)
    #expect(finding.errors == "said\n", "its words go to standard error")
    try await place.shell("cmp original copy")
  }

  @Test(arguments: [
    ("exit 3", "exited with status 3 before the end of the archive"),
    ("head -c 9 > /dev/null", "exited with status 0 before the end of the archive"),
    ("kill -9 $$", "was killed by signal 9 before the end of the archive"),
    ("cat > /dev/null; exit 4", "exited with status 4 after the end of the archive"),
    ("cat > /dev/null; kill -15 $$", "was killed by signal 15 after the end of the archive"),
    ("no-such-program", "exited with status 127"),
  ])
  func `a command that fails fails its output`(command: String, words: String) async throws {
    let finding = try await backUp(["--to", "stack=|\(command)"])
    #expect(finding.status == 74)
    #expect(finding.errors.contains("the command \"\(command)\": it \(words)"), "\(finding.errors)")
    #expect(finding.left == [])
  }

  @Test func `a command that fails does not touch the others of a tee`() async throws {
    let finding = try await backUp(["--to", "stack=|exit 3", "--to", "raw=archive"])
    #expect(finding.status == 75)
    #expect(finding.errors.contains("stack: cannot write the archive to the command"))
    try await place.shell("cmp d.raw archive/d.raw")
  }

  @Test func `a command that does not end is ended`() async throws {
    let finding = try await backUp(
      ["--to", "stack=|cat > /dev/null; trap '' TERM; sleep 60", "--stall-limit", "1"])
    #expect(finding.status == 74)
    #expect(finding.errors.contains("did not exit within 1 s"), "\(finding.errors)")
    #expect(finding.left == [])
    #expect(finding.seconds < 30)
  }

  @Test func `a command has the caller's rights, a group of its own and no descriptors`()
    async throws
  {
    let command = "cat > copy; ls /proc/self/fd > fds; ps -o pgid= -p $$ > group; echo $$ > own"
    #expect(try await backUp(["--to", "stack=|\(command)"]).status == 0)
    // ls has its three, and one for the directory.
    #expect(try place.text("fds") == "0\n1\n2\n3\n")
    try await place.shell("test $(cat group) -eq $(cat own) && test -O copy")
  }
}
