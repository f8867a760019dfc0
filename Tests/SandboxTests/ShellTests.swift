import CommandLine
import Foundation
import Testing

@testable import Sandbox
@testable import System

/// What a shell script can start, see and change, and what ends with it.
@Suite(.inTurns, .enabled(if: canRunShells, "needs dash or bash as /usr/bin/sh"))
struct ShellTests {
  private func run(
    _ text: String, commands: [String] = ["/usr/bin/cat"], grant: SandboxGrant = .file,
    without: SandboxLayers = [], descriptors: [(source: Int32, target: Int32)] = []
  ) throws -> Visit {
    let place = try Scratch()
    let script = try place.file("script.sh", mode: 0o644, "exec 2>&1\n" + text)
    return try Guest(
      shell: script, commands: commands, grant: grant, without: without, descriptors: descriptors
    ).finish()
  }

  /// Lines of a script, and what it writes.
  private static let conduct: [(code: String, output: String)] = [
    ("echo $(echo one | cat)", "one"),
    ("cat <<END | cat\ntwo\nEND", "two"),
    ("/usr/bin/cat /dev/null > /dev/null && echo quiet", "quiet"),
    ("(cat & wait) < /dev/null; echo waited", "waited"),
    ("trap 'echo trapped' TERM; kill -TERM $$; echo on", "trapped\non"),
    ("cat /etc/passwd || echo no", "cat: /etc/passwd: No such file or directory\nno"),
    ("ls / || echo $?", "ls: not found\n127"),
    ("/usr/bin/ls / || echo $?", "/usr/bin/ls: not found\n127"),
    // What is shown cannot be changed.
    ("echo x > /usr/lib/new || echo no", "cannot create /usr/lib/new\nno"),
    ("echo x > /new || echo no", "cannot create /new\nno"),
    ("echo x >> $0 || echo no", "cannot create script.sh\nno"),
    ("echo x > /archive/new || echo no", "cannot create /archive/new\nno"),
  ]

  /// Without what a shell says of itself, and of the reason, which layers differ in.
  private func plain(_ output: String) -> String {
    output.split(separator: "\n").map { line in
      var words = line.replacing(#/^(?:\S*\/)?(?:sh|script\.sh): (?:line )?\d+: /#, with: "")
      words = words.replacing(#/(cannot create \S+):.*/#) { "\($0.output.1)" }
      return words.replacing(#/cannot create \S*\/script\.sh/#, with: "cannot create script.sh")
    }.joined(separator: "\n")
  }

  @Test(.enabled(if: isDash, "the words are those of dash"), arguments: conduct.indices)
  func `a script starts what its manifest lists, and sees nothing else`(index: Int) throws {
    let (code, output) = Self.conduct[index]
    for without in [SandboxLayers(), .landlock] {
      let visit = try run("PATH=/usr/bin\n" + code, without: without)
      #expect(visit.denial == nil && visit.status == .code(0), "\(visit)")
      #expect(plain(visit.output) == output)
    }
  }

  @Test func `its working directory can be the archive, which it fills`() throws {
    let place = try Scratch()
    if isRoot { chown(place.directory, 65_521, 65_521) }
    let archive = try openFile(place.directory, flags: O_RDONLY | O_DIRECTORY)
    let visit = try run(
      """
      cd /archive
      echo kept > kept; echo gone > gone; mkdir folder; mv kept folder/kept; rm gone
      cd folder; pwd; cat kept ../folder/kept
      """, commands: ["cat", "mkdir", "mv", "rm"].map { "/usr/bin/\($0)" },
      grant: .writableDirectory, descriptors: [(archive.raw, 6)])
    #expect(visit.denial == nil && visit.output == "/archive/folder\nkept\nkept\n", "\(visit)")
    #expect(try place.names() == ["folder"] && place.text("folder/kept") == "kept\n")
  }

  @Test(arguments: [SandboxLayers(), .landlock])
  func `what it has made is not executed`(without: SandboxLayers) throws {
    let place = try Scratch()
    if isRoot { chown(place.directory, 65_521, 65_521) }
    let archive = try openFile(place.directory, flags: O_RDONLY | O_DIRECTORY)
    let visit = try run(
      """
      cd /archive
      umask 0
      cat /usr/bin/cat > made
      cp /usr/bin/cat copied
      ./made /dev/null || echo $?
      ./copied /dev/null || echo $?
      """, commands: ["/usr/bin/cat", "/usr/bin/cp"], grant: .writableDirectory, without: without,
      descriptors: [(archive.raw, 6)])
    #expect(visit.output.split(separator: "\n").filter { $0 == "126" }.count == 2, "\(visit)")
  }

  /// A program below the libraries, and the linker that the kernel starts programs through.
  private static let library: String? = [
    "/usr/lib/apt/apt-helper", "/usr/lib/dpkg/methods/apt/setup",
  ]
  .first { FileManager.default.isExecutableFile(atPath: $0) }
  private static let linker = "/lib64/ld-linux-x86-64.so.2"

  @Test(
    .enabled(
      if: library != nil && FileManager.default.fileExists(atPath: linker), "needs Debian's apt"))
  func `programs among the libraries are executed only by way of the linker`() throws {
    let library = Self.library ?? ""
    let visit = try run(
      "\(library) || echo $?\n\(Self.linker) --list \(library) >/dev/null; echo $?")
    #expect(visit.denial == nil && visit.output.contains("\n126\n"), "\(visit)")
    // The named survivor: whatever can be read can be run by the linker.
    #expect(visit.output.hasSuffix("\n0\n"))
  }

  @Test(arguments: [SandboxLayers(), .landlock] + (isRoot ? [.userNamespace] : []))
  func `nothing that a script has started outlives it`(without: SandboxLayers) throws {
    let visit = try run(
      """
      (while :; do :; done) &
      (trap '' TERM HUP; while :; do :; done) &
      echo started
      """, without: without)
    // The pipe has ended: nobody has it any more.
    #expect(visit.output == "started\n" && visit.status == .code(0), "\(visit)")
  }

  @Test func `processes are limited, and more of them are an error of the script`() throws {
    let visit = try run("i=0; while [ $i -lt 100 ]; do (while :; do :; done) & i=$((i+1)); done")
    #expect(visit.denial == nil && visit.status == .code(2), "\(visit)")
  }

  @Test func `without namespaces no shell script runs`() throws {
    let visit = try run("echo ran", without: .allNamespaces)
    #expect(visit.failedStep?.hasPrefix("its profile needs a layer") == true, "\(visit.events)")
    #expect(visit.output == "")
  }

  @Test func `a call that is denied ends all of it, and is named`() throws {
    let visit = try run(
      "unshare -U cat /dev/null; echo on", commands: ["/usr/bin/cat", "/usr/bin/unshare"])
    #expect(visit.status == .signal(SIGKILL) && visit.output == "")
    #expect(visit.denial == "plugin \"x\" called unshare(2), which its sandbox denies")
  }

  private func refusal(_ shell: String, _ commands: [String]) -> SandboxError? {
    do throws(SandboxError) {
      _ = try PluginCommands(shell: shell, commands, manifest: "/etc/ld.so.cache")
      return nil
    } catch { return error }
  }

  @Test func `programs of the list are there, are no scripts, and nobody else can change them`()
    throws
  {
    let shell = InterpreterProfile.shell.program
    #expect(refusal(shell, ["/usr/bin/cat"]) == nil)
    #expect(refusal(shell, ["/usr/bin/none"]) == .command("/usr/bin/none", .missing))
    #expect(
      refusal("/usr/bin/cat", [])
        == .interpreter("/usr/bin/cat", .unknown(profile: "commands", expected: shell)))
    let place = try Scratch()
    let script = try place.file("script", mode: 0o755, "#!/bin/sh\n")
    #expect(refusal(shell, [script]) == .command(script, .script(line: "#!/bin/sh")))
    let shared = try place.file("shared", mode: 0o777)
    #expect(refusal(shell, [shared]) == .untrusted(path: shared, because: .writableByOthers))
    let plain = try place.file("plain", mode: 0o644)
    #expect(refusal(shell, [plain]) == .untrusted(path: plain, because: .notExecutable))
  }
}

private let shellProgram = try? realPath("/usr/bin/sh")
private let isDash = shellProgram.map { splitPath($0).name == "dash" } ?? false
private let canRunShells = shellProgram.map { InterpreterProfile.shell.runs($0) } ?? false
