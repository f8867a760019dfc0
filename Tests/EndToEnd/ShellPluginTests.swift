import CommandLine
import System
import Testing

/// Plugins that are shell scripts, inside the sandbox: what they write is read back, and whatever
/// they do wrong is an error that names the verb.
@Suite(.inTurns, .enabled(if: ShellFolder.canRun, "needs zstd"))
struct ShellPluginTests {
  private func makeDisk(in place: Scratch) throws {
    try place.makeSparse("d.raw", bytes: 5 << 20, data: [(0, 1 << 20), (3 << 20 + 4096, 70_000)])
    try place.create("vm.conf", Array("cores: 2\n".utf8))
  }

  private func backUp(
    _ plugins: ShellFolder, in place: Scratch, user: UInt32? = nil,
    build: String = Build.directory, more: [String] = ["--config", "vm.conf"]
  ) async throws -> Finding {
    try await sluice(
      ["backup", "--plugin-path", plugins.path, "--image", "d=d.raw", "--to", "zst=out"] + more,
      in: place.directory, user: user, build: build)
  }

  private func expectRoundTrip(
    _ plugins: ShellFolder, in place: Scratch, user: UInt32? = nil,
    build: String = Build.directory, more: [String] = ["--config", "vm.conf"]
  ) async throws {
    let path = ["--plugin-path", plugins.path]
    let backup = try await backUp(plugins, in: place, user: user, build: build, more: more)
    #expect(backup.status == 0 && backup.left == [], "\(backup.errors)")
    let verify = try await sluice(
      ["verify", "out"] + path, in: place.directory, user: user, build: build)
    #expect(verify.status == 0 && verify.output.contains("verified"), "\(verify.errors)")
    let restore = try await sluice(
      ["restore", "out", "--to", "back"] + path, in: place.directory, user: user, build: build)
    #expect(restore.status == 0 && restore.left == [], "\(restore.errors)")
    try await place.shell("cmp d.raw back/d.raw")
    if !more.isEmpty { try await place.shell("cmp vm.conf back/vm.conf") }
  }

  @Test func `what a shell script has written is verified and restored`() async throws {
    let (plugins, place) = (try await ShellFolder(), try Scratch())
    try makeDisk(in: place)
    try await expectRoundTrip(plugins, in: place)
    try await place.shell("cd out && sha256sum --check --strict --quiet SHA256SUMS")
  }

  @Test(.enabled(if: Build.isRoot, "root becomes an ordinary user"))
  func `a shell script of an ordinary user does the same`() async throws {
    let copy = try await PublicBuild(helpers: ["sluice-plugin-sh"])
    let (plugins, place) = (try await ShellFolder(), try Scratch(owner: Build.nobody))
    try makeDisk(in: place)
    try await expectRoundTrip(plugins, in: place, user: Build.nobody, build: copy.directory)
  }

  @Test func `a script that keeps no map gets whole disks`() async throws {
    let plugins = try await ShellFolder(verb: "config|*-map", does: "exit 2")
    let place = try Scratch()
    try makeDisk(in: place)
    try await expectRoundTrip(plugins, in: place, more: [])
    try await place.shell("zstd -dc out/1.zst | cmp - d.raw")
  }

  @Test func `an archive can be one file, which is standard output and input`() async throws {
    let plugins = try await ShellFolder(
      change: """
        sed -i -e 's/"directory"/"file"/' \
          -e 's/"receipt".*/"magic": [{"offset": 0, "hex": "6f6e65"}],/' zst.json
        cat > zst.sh <<'END'
        case $1 in
          write-disk) echo "one $4 $3"; zstd -q -c ;;
          finish) cat >/dev/null ;;
          list) read -r magic size name; echo "disk 1 $size $name" ;;
          read-disk) read -r head; zstd -q -dc ;;
          *) exit 2 ;;
        esac
        END
        """)
    let place = try Scratch()
    try makeDisk(in: place)
    try await expectRoundTrip(plugins, in: place, more: [])
  }

  @Test func `options are in the environment of every verb`() async throws {
    let plugins = try await ShellFolder(
      verb: "finish", does: "echo $SLUICE_OPTION_LEVEL $SLUICE_MODE $SLUICE_VM_NAME >options")
    let place = try Scratch()
    try makeDisk(in: place)
    let backup = try await backUp(
      plugins, in: place, more: ["--option", "zst.level=7", "--vm-name", "a  b"])
    #expect(backup.status == 0, "\(backup.errors)")
    #expect(try place.text("out/options") == "7 write a b\n")
  }

  /// A verb of a backup, what it does instead, and what is said of it.
  private static let writing: [(verb: String, code: String, status: Int32, words: String)] = [
    (
      "write-disk", "echo x >1.zst; exit", 70,
      "zst.sh write-disk ended without reading all of its standard input"
    ),
    ("write-disk", "echo ENOSPC no room >&2; exit 1", 74, "failed with exit status 1: no room"),
    ("write-disk", "kill -9 $$", 74, "zst.sh write-disk was ended by signal 9"),
    ("write-disk", "curl; exit", 70, "curl: not found"),
    ("write-disk", "echo x >&4; exit", 70, "Bad file descriptor"),
    ("write-disk", "exit 2", 69, "zst.sh does not know the verb write-disk"),
    ("write-disk", "exit 1", 74, "it has said nothing on standard error"),
    ("write-disk", "cat >/etc/new; exit", 77, "cannot create /etc/new"),
    ("write-map", "exit 2", 69, "zst.sh does not know the verb write-map"),
    ("config", "echo maps; exit", 70, "zst.sh config says \"maps\", which is none of: map"),
    (
      "config", "echo no disks today >&2; exit 1", 64, "zst.sh config failed with exit status 1: no"
    ),
    ("finish", "exit 0", 70, "zst.sh finish ended without reading all of its standard input"),
    ("finish", "cat >/dev/null; exit 0", 70, "receipt"),
    ("finish", "if true", 70, "Syntax error"),
  ]

  @Test(arguments: writing.indices)
  func `a script that does wrong makes no archive`(index: Int) async throws {
    let trouble = Self.writing[index]
    let plugins = try await ShellFolder(verb: trouble.verb, does: trouble.code)
    let place = try Scratch()
    try makeDisk(in: place)
    let backup = try await backUp(plugins, in: place)
    #expect(backup.status == trouble.status, "\(backup.errors)")
    #expect(backup.errors.contains(trouble.words), "\(backup.errors)")
    #expect(try place.names() == ["d.raw", "vm.conf"] && backup.left == [])
  }

  /// The same of an archive that is read.
  private static let reading: [(verb: String, code: String, words: String)] = [
    ("read-disk", "echo x; exit", "ended before it had written all of \"d\""),
    (
      "read-disk", "zstd -dc $2.zst; echo; exit", "wrote more to standard output than was asked for"
    ),
    ("read-disk", "zstd -dc $2.zst; exit 5", "zst.sh read-disk failed with exit status 5"),
    ("read-disk", "exit 2", "zst.sh does not know the verb read-disk"),
    ("read-map", "echo 0 65536; echo 0 65536; exit", "the archive is damaged: a map"),
    ("read-map", "echo 65536 0; exit", "the archive is damaged: a map"),
    ("list", "echo disk one 2 d; exit", "a line that is not KIND ID SIZE NAME"),
    ("list", "echo {}; exit", "what the script lists is malformed"),
    ("list", "exit 2", "zst.sh does not know the verb list"),
    (
      "list",
      "x=disk; for i in 0 1 2 3 4 5 6 7 8 9 a b c d e f g h i j k; do x=$x$x; done; echo $x",
      "wrote more to standard output than was asked for"
    ),
  ]

  @Test func `a script that reads wrong proves nothing`() async throws {
    let place = try Scratch()
    try makeDisk(in: place)
    #expect(try await backUp(try await ShellFolder(), in: place).status == 0)
    for trouble in Self.reading {
      let plugins = try await ShellFolder(verb: trouble.verb, does: trouble.code)
      let verify = try await sluice(
        ["verify", "out", "--plugin-path", plugins.path], in: place.directory)
      #expect(verify.status != 0 && verify.left == [], "\(trouble)")
      #expect(verify.errors.contains(trouble.words), "\(trouble): \(verify.errors)")
    }
  }

  @Test func `a damaged archive is found by digests, or by its program`() async throws {
    let (plugins, place) = (try await ShellFolder(), try Scratch())
    try makeDisk(in: place)
    #expect(try await backUp(plugins, in: place, more: []).status == 0)
    try place.flip("out/1.zst", at: 30)
    let verify = try await sluice(
      ["verify", "out", "--plugin-path", plugins.path], in: place.directory)
    #expect(verify.status == 65, "\(verify.errors)")
  }

  @Test func `of a disk that is cut the data before the cut is salvaged`() async throws {
    let (plugins, place) = (try await ShellFolder(), try Scratch())
    // Of what cannot be compressed as much is lost as is cut.
    try await place.shell("head -c 3M /dev/urandom > d.raw; truncate -s 64M d.raw")
    #expect(try await backUp(plugins, in: place, more: []).status == 0)
    try await place.shell("truncate -s -1M out/1.zst")
    let path = ["--plugin-path", plugins.path]
    let failed = try await sluice(["restore", "out", "--to", "no"] + path, in: place.directory)
    #expect(failed.status == 65 && failed.errors.contains("premature end"), "\(failed.errors)")
    let kept = try await sluice(
      ["restore", "out", "--keep-damaged", "--to", "back"] + path, in: place.directory)
    #expect(kept.status == 65 && kept.errors.contains("premature end"), "\(kept.errors)")
    try await place.shell("cmp -n 1900000 d.raw back/d.raw.incomplete")
    // The gap behind the data is no damage.
    #expect(kept.output.contains("d: 1.") || kept.errors.contains("d: 1."), "\(kept)")
  }

  @Test func `what a verb leaves behind ends with it`() async throws {
    let plugins = try await ShellFolder(
      verb: "write-disk",
      does: "(trap \"\" TERM HUP; while :; do :; done) & kill -9 1; kill -STOP 1")
    let place = try Scratch()
    try makeDisk(in: place)
    try await expectRoundTrip(plugins, in: place)
  }

  @Test func `a script that hangs is ended by the stall limit`() async throws {
    let plugins = try await ShellFolder(verb: "write-disk", does: "while :; do :; done")
    let place = try Scratch()
    try makeDisk(in: place)
    let backup = try await backUp(plugins, in: place, more: ["--stall-limit", "1"])
    #expect(backup.status != 0 && backup.left == [], "\(backup.errors)")
    #expect(try place.names() == ["d.raw", "vm.conf"])
  }

  /// A change of the manifest, and what is said of it.
  private static let refusals: [(change: String, words: String)] = [
    (
      "s,/usr/bin/zstd,/usr/bin/none,",
      "/usr/bin/none, which its manifest lists in \"commands\", is not installed: install it"
    ),
    ("s,/usr/bin/zstd,/usr/bin/zstdless,", "is a script (#!"),
    ("s,/usr/bin/sh\",/usr/bin/cat\",", "is not one that the profile \"commands\" runs"),
    ("/interpreter/d", "its profile \"commands\" needs \"interpreter\""),
    ("s/\"profile\": \"commands\"/\"profile\": \"perl\"/", "\"commands\" goes with the profile"),
    ("s/\"commands\": \\[/&\"sh\", /", "\"commands\" is not a list of at most 64 absolute paths"),
  ]

  @Test(arguments: refusals.indices)
  func `a list of programs that cannot be is explained`(index: Int) async throws {
    let refusal = Self.refusals[index]
    let plugins = try await ShellFolder(change: "sed -i '\(refusal.change)' zst.json")
    let list = try await sluice(["plugin", "list", "--plugin-path", plugins.path])
    #expect(list.errors.contains(refusal.words), "\(list.errors)")
  }

  @Test func `a plugin tells which programs it starts`() async throws {
    let plugins = try await ShellFolder()
    let info = try await sluice(["plugin", "info", "zst", "--plugin-path", plugins.path])
    #expect(info.lines.contains("commands    /usr/bin/cat, /usr/bin/sha256sum, /usr/bin/zstd"))
    #expect(info.output.contains("sandbox     commands profile"), "\(info.output)")
  }

  @Test func `the example passes the check of plugins in the sandbox`() async throws {
    let plugins = try await ShellFolder()
    let finding = try await sluice(["plugin", "check", plugins.path], within: 300)
    #expect(finding.status == 0, "\(finding.lines.filter { $0.hasPrefix("not ok") })")
    for level in ["Core", "Shared memory", "Read"] {
      #expect(finding.output.contains("# \(level): "), "no results of \(level)")
    }
    #expect(finding.left == [])
  }
}
