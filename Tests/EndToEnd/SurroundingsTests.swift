import CommandLine
import Glibc
import System
import Testing

/// What the program runs in: files that are none, limits, directories that are missing.
@Suite(.inTurns) struct SurroundingsTests {
  let place: Scratch

  init() throws {
    place = try Scratch()
    try place.makeSparse("d.raw", bytes: 4 << 20, data: [(0, 1 << 20)])
  }

  private func run(_ arguments: [String]) async throws -> Finding {
    try await sluice(arguments, in: place.directory, within: 30)
  }

  /// What the shell says of a backup in changed surroundings, its status last.
  private func shell(_ command: String) async throws -> String {
    try await place.shell("S='\(Build.directory)/sluice'; { \(command); }; echo \"= $?\"")
  }

  private static let options = ["--config", "--machine", "--libvirt-xml", "--proxmox-config"]

  @Test(arguments: options)
  func `a pipe without a writer is given up`(option: String) async throws {
    try await place.shell("mkfifo pipe")
    let finding = try await run(["backup", option, "pipe", "--to", "raw=a"])
    #expect(finding.status == 66)
    #expect(finding.errors.contains("no data came from it"), "\(finding.errors)")
    #expect(try place.names() == ["d.raw", "pipe"])
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func `a signal ends the wait for a pipe`(signal: Int32) async throws {
    try await place.shell("mkfifo pipe")
    let program = try Program(
      [
        Build.directory + "/sluice", "backup", "--image", "d=d.raw,format=raw", "--config", "pipe",
        "--to", "raw=a",
      ], in: place.directory)
    while program.process == 0 { try await Task.sleep(for: .milliseconds(10)) }
    // Until it waits for the pipe, which it has opened then.
    let opened = "readlink /proc/\(program.process)/fd/* | grep -q '/pipe$'"
    try await place.shell("until \(opened); do sleep 0.05; done")
    program.send(signal)
    let finding = try await program.finding(within: 5)
    #expect(finding.status == 130, "\(finding.errors)")
    #expect(try place.names() == ["d.raw", "pipe"])
  }

  @Test func `a pipe that is written to is a configuration`() async throws {
    try await place.shell(
      """
      mkfifo pipe && { sleep 1; printf abc; sleep 1; printf def; } > pipe &
      '\(Build.directory)/sluice' backup --config pipe --to raw=a && test $(cat a/pipe) = abcdef
      """)
  }

  @Test(arguments: options)
  func `a directory is no small file`(option: String) async throws {
    try await place.shell("mkdir folder")
    let finding = try await run(["backup", option, "folder", "--to", "raw=a"])
    #expect(finding.status == 66)
    #expect(finding.errors.contains("folder: it is a directory"), "\(finding.errors)")
  }

  @Test(arguments: options)
  func `a file that is too large is refused with the limit`(option: String) async throws {
    try place.makeSparse("large", bytes: 16 << 20 + 1)
    let finding = try await run(["backup", option, "large", "--to", "raw=a"])
    #expect(finding.status == 64)
    #expect(finding.errors.contains("larger than 16 MiB"), "\(finding.errors)")
    try place.makeSparse("large", bytes: 16 << 20)
    let fits = try await run(["backup", "--config", "large", "--to", "raw=a"])
    #expect(fits.status == 0, "\(fits.errors)")
  }

  @Test func `a receipt that is a pipe or a directory is refused`() async throws {
    #expect(try await run(["backup", "--image", "d=d.raw", "--to", "raw=a"]).status == 0)
    try await place.shell("mkfifo pipe && mkdir folder")
    for name in ["pipe", "folder"] {
      let finding = try await run(["verify", "a", "--receipt", name])
      #expect(finding.status == 65 && finding.seconds < 10)
      #expect(finding.errors.contains("not a file"), "\(finding.errors)")
    }
  }

  @Test(.enabled(if: Build.isRoot, "only root can mount"))
  func `without proc nothing is said to be done`() async throws {
    let said = try await shell(
      """
      unshare --mount sh -c "mount -t tmpfs none /proc && $S backup --image d=d.raw --to raw=a"
      """)
    #expect(said.contains("/proc is not mounted") && said.hasSuffix("= 69\n"), "\(said)")
    #expect(!said.contains("USAGE"))
  }

  @Test(.enabled(if: Build.isRoot, "an ordinary user cannot raise the limit again"))
  func `a low limit on open files is named`() async throws {
    let said = try await shell(
      """
      setpriv --bounding-set=-sys_resource --inh-caps=-sys_resource \
        prlimit --nofile=256:256 $S backup --image d=d.raw --to raw=a
      """)
    // Where the capability is kept all the same, it works.
    let isNamed = said.contains("limit on open files is 256") && said.hasSuffix("= 69\n")
    #expect(isNamed || said.hasSuffix("= 0\n"), "\(said)")
  }

  @Test func `a temporary directory that is not there is named`() async throws {
    let said = try await shell(
      "TMPDIR=/nonexistent $S backup --image d=d.raw --to raw=a")
    #expect(said.contains("/nonexistent (see TMPDIR)") && said.hasSuffix("= 71\n"), "\(said)")
    let empty = try await shell("TMPDIR= $S backup --image d=d.raw --to raw=a")
    #expect(empty.hasSuffix("= 0\n"), "\(empty)")
  }

  @Test func `no home directory is needed`() async throws {
    let said = try await shell(
      "unset HOME; env -i $S backup --image d=d.raw --to raw=a && env -i $S verify a")
    #expect(said.hasSuffix("= 0\n"), "\(said)")
  }

  @Test(
    .enabled(if: Build.isRoot, "root becomes a user of no other process"),
    arguments: [1, 3, 8, 12, 13, 14, 16, 20])
  func `too few threads end the program with a sentence`(limit: Int) async throws {
    let user = UInt32(64_900 + limit)
    let copy = try await PublicBuild()
    let own = try Scratch(owner: user)
    try own.makeSparse("d.raw", bytes: 4 << 20, data: [(0, 1 << 20)])
    let words = [
      "prlimit", "--nproc=\(limit)", copy.directory + "/sluice", "backup", "--image", "d=d.raw",
      "--to", "raw=a",
    ]
    let program = try Program(words, in: own.directory, user: user)
    let finding = try await program.finding(within: 30)
    #expect(finding.signal == nil, "limit \(limit): \(finding.errors)")
    if limit < 10 {
      #expect(finding.status == 71)
      #expect(finding.errors.contains("ulimit -u"), "\(finding.errors)")
    } else if finding.status != 0 {
      #expect([70, 71, 74].contains(finding.status), "limit \(limit): \(finding.errors)")
      #expect(finding.errors.hasPrefix("sluice: cannot"), "\(finding.errors)")
    }
    withExtendedLifetime(copy) {}
  }

  /// Runs a command where some programs of a build are on a file system that is mounted noexec.
  private func withNoexec(_ names: [String], _ words: String) async throws -> Finding {
    let copy = try await PublicBuild(plugins: ["raw", "vma", "ova"])
    let mounts = names.map {
      "mount --bind '\(copy.directory)/\($0)' '\(copy.directory)/\($0)' "
        + "&& mount -o remount,bind,noexec '\(copy.directory)/\($0)'"
    }
    let script = (mounts + ["exec '\(copy.directory)/sluice' \(words)"]).joined(separator: " && ")
    let finding = try await Program(
      ["/usr/bin/unshare", "-m", "/bin/sh", "-c", script], in: place.directory
    ).finding()
    withExtendedLifetime(copy) {}
    return finding
  }

  @Test(.enabled(if: Build.isRoot && Build.has("unshare"), "needs root and unshare"))
  func `a helper on a noexec file system is named`() async throws {
    let doctor = try await withNoexec(["sluice-launcher"], "doctor --quiet")
    #expect(doctor.status == 69)
    #expect(
      doctor.output.contains(
        "sluice-launcher cannot be executed: its file system is mounted noexec"))
    let backup = try await withNoexec(
      ["sluice-launcher"], "backup --image d=d.raw --to raw=a")
    #expect(backup.status == 69 && backup.errors.contains("mounted noexec"), "\(backup.errors)")
    #expect(try place.names() == ["d.raw"])
  }

  @Test(.enabled(if: Build.isRoot && Build.has("unshare"), "needs root and unshare"))
  func `the doctor fails if no plugin can be started`() async throws {
    let writers = ["raw", "vma", "ova"].map { "sluice-writer-" + $0 }
    let doctor = try await withNoexec(writers, "doctor --quiet")
    #expect(doctor.status == 69 && doctor.output.contains("no installed plugin can be started"))
    let some = try await withNoexec(Array(writers.dropFirst()), "doctor --quiet")
    #expect(some.status == 0 && some.output.contains("mounted noexec"), "\(some.output)")
  }
}
