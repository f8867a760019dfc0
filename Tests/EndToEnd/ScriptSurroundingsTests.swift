import CommandLine
import Testing

/// What lies around a script and is not its plugin's is never run by the interpreter, and the
/// plugin cannot get at it.
@Suite(.inTurns, .enabled(if: ScriptFolder.canRun, "needs perl and python3"))
struct ScriptSurroundingsTests {
  /// Makes a directory of modules, each of which ends the interpreter that runs it.
  private static func traps(in directory: String) -> String {
    """
    mkdir -p \(directory) && chmod 755 \(directory)
    for name in sitecustomize usercustomize json struct re; do
      echo 'import os; os._exit(9)' > \(directory)/$name.py
    done
    cp \(directory)/json.py \(directory)/trap.pth
    """
  }

  private static let environment =
    "PYTHONPATH=$PWD/traps PYTHONSTARTUP=$PWD/traps/json.py PYTHONUSERBASE=$PWD/base "
    + "PYTHONINSPECT=1 PYTHONHOME=/nonexistent PYTHONPLATLIBDIR=none "
    + "PYTHONPYCACHEPREFIX=$PWD/cache HOME=$PWD PYTHONDUMPREFS=1 PYTHONWARNINGS=error "
    + "PYTHONOPTIMIZE=2"

  /// A backup with all of them around, as a user may have them by chance or by malice.
  private func backup(
    _ plugins: ScriptFolder, in place: Scratch, environment: String = environment
  ) async throws -> String {
    try place.makeSparse("d.raw", bytes: 1 << 20, data: [(0, 70_000)])
    return try await place.shell(
      """
      \(Self.traps(in: "traps"))
      for site in base .local; do
        for version in $(cd /usr/lib && echo python3.*); do
          mkdir -p $site/lib/$version/site-packages && cp traps/* $site/lib/$version/site-packages
        done
      done
      cp traps/*.py .
      env \(environment) '\(Build.directory)/sluice' backup --plugin-path '\(plugins.path)' \
        --image d=d.raw --to minimal=out || echo failed
      """)
  }

  @Test func `no module of the environment, a user or the working directory is run`() async throws {
    // Beside the script there may be modules; but these two are run for a site or a user.
    let plugins = try await ScriptFolder(
      .minimal,
      change: "for name in site user; do echo 'import os; os._exit(9)' > ${name}customize.py; done")
    let place = try Scratch()
    let output = try await backup(plugins, in: place)
    #expect(!output.contains("failed") && !output.contains("warning"), "\(output)")
    try await place.shell("cmp d.raw out/d && test ! -e cache")
    // The traps are set: an interpreter that heeds the environment is caught.
    try await place.shell("PYTHONPATH=$PWD/traps /usr/bin/python3 -c pass; test $? = 9")
    try await place.shell("/usr/bin/python3 -c 'import json'; test $? = 9")
  }

  /// A line that a plugin runs when it opens the first stream, and what ends or is said of it.
  private static let attempts: [(code: String, words: String)] = [
    ("import socket; socket.create_connection(('127.0.0.1', 1))", "called socket(2)"),
    ("os.fork()", "which its sandbox denies"),
    (
      "os.execv(sys.executable, ['python3'])",
      "called execve(2) on \"/usr/bin/python3\", which its sandbox denies"
    ),
    ("open('/etc/shadow').read()", "'/etc/shadow'"),
    ("open('/etc/passwd').read()", "'/etc/passwd'"),
    ("open('/proc/1/environ').read()", "'/proc/1/environ'"),
    ("open('/proc/self/maps').read()", "'/proc/self/maps'"),
    ("os.listdir('/proc/1/fd')", "'/proc/1/fd'"),
    ("import mmap; mmap.mmap(-1, 4096, prot=6)", "Permission denied"),
    (
      "import mmap, ctypes as c; m = mmap.mmap(-1, 4096); "
        + "c.CDLL(None).mprotect(c.c_void_p(c.addressof(c.c_char.from_buffer(m))), 4096, 5)",
      "called mprotect(2), which its sandbox denies"
    ),
    // The directory above is the archive itself.
    (
      "os.open('../beside', os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=6)",
      "the plugin left \"beside\""
    ),
    (
      "assert os.stat('..', dir_fd=6).st_ino != os.fstat(6).st_ino, 'no way up'", "no way up"
    ),
    ("os.symlink('/etc/passwd', 'link', dir_fd=6)", "which its sandbox denies"),
    ("open(__file__, 'a')", "Read-only file system"),
    ("open('beside', 'w')", "Read-only file system"),
    ("import working", "No module named 'working'"),
    (
      "os.open('made.py', os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=6); "
        + "sys.path += ['/proc/self/fd/6', '.', '']; import made",
      "No module named 'made'"
    ),
    ("os.fchdir(6)", "called fchdir(2), which its sandbox denies"),
    ("os.listdir('/usr/local/lib')", "'/usr/local/lib'"),
    ("os.kill(1, 0) or os.kill(os.getppid(), 9)", "which its sandbox denies"),
    ("os.environ['PATH']", "'PATH'"),
  ]

  @Test(arguments: attempts)
  func `a script gets at nothing around it`(code: String, words: String) async throws {
    let plugins = try await ScriptFolder(.minimal, inserting: code)
    let place = try Scratch()
    try place.create("working.py", Array("pass\n".utf8))
    let output = try await backup(plugins, in: place, environment: "A=b")
    #expect(output.contains(words) && output.contains("failed"), "\(output)")
    let left = try place.names().filter { $0.contains("out") || $0.contains("beside") }
    #expect(left == [], "nothing is published or left")
  }
}
