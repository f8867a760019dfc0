import CommandLine
import Glibc
import System
import Testing

/// What ends from outside while a job runs: the daemon, the disk, the user's patience.
@Suite(.inTurns) struct InterruptionTests {
  let place: Scratch

  init() throws {
    place = try Scratch()
    try place.makeSparse("d.raw", bytes: 4 << 20, data: [(0, 4 << 20)])
  }

  private func startSlowly(_ more: [String] = []) throws -> Program {
    try startSluice(
      [
        "backup", "--json", "--image", "d=\(place.path("d.raw"))",
        "--to", "raw=\(place.path("archive"))", "--rate-limit", "100K",
      ] + more)
  }

  /// The daemon that serves this place's image.
  private func daemon() async throws -> Int32 {
    let found = try await place.shell(
      "pgrep -f '[q]emu-storage-daemon.*\(place.directory)' | tail -n 1")
    return try #require(Int32(found.trimmingNewline))
  }

  @Test(arguments: ["vhost-user", "nbd"])
  func `a daemon that dies ends the job`(transport: String) async throws {
    let program = try startSlowly(["--transport", transport])
    #expect(try await program.says("\"started\""))
    try await Task.sleep(for: .milliseconds(300))
    #expect(kill(try await daemon(), SIGKILL) == 0)
    let finding = try await program.finding()
    #expect(finding.status == 74, "\(finding.errors)")
    #expect(finding.errors.contains("qemu-storage-daemon exited"), "\(finding.errors)")
    #expect(finding.left == [])
    #expect(try place.names() == ["d.raw"])
  }

  @Test(arguments: ["vhost-user", "nbd"])
  func `a daemon that stops answering is given up`(transport: String) async throws {
    let program = try startSlowly(["--transport", transport, "--stall-limit", "3"])
    #expect(try await program.says("\"started\""))
    try await Task.sleep(for: .milliseconds(300))
    #expect(kill(try await daemon(), SIGSTOP) == 0)
    let finding = try await program.finding()
    #expect(finding.status == 74, "\(finding.errors)")
    #expect(finding.errors.contains("3 s"), "\(finding.errors)")
    #expect(finding.left == [])
    #expect(try place.names() == ["d.raw"])
  }

  @Test(
    .enabled(if: Build.isRoot, "root mounts a small file system"), arguments: ["4M", "24M"])
  func `a restore that does not fit leaves nothing`(size: String) async throws {
    try place.makeSparse("big.raw", bytes: 32 << 20, data: [(0, 32 << 20)])
    let made = try await sluice(
      ["backup", "--image", "big=big.raw", "--to", "raw=archive"], in: place.directory)
    #expect(made.status == 0, "\(made.errors)")
    try await place.shell("mkdir small && mount -t tmpfs -o size=\(size) none small")
    let finding = try await sluice(
      ["restore", "archive", "--to", "small/restored"], in: place.directory)
    let after = try place.names("small")
    try await place.shell("umount -l small")
    #expect(finding.status == 74, "\(finding.errors)")
    #expect(finding.errors.contains("ENOSPC"), "\(finding.errors)")
    #expect(finding.left == [])
    #expect(after == [])
  }

  @Test func `of two jobs with one target, one makes it`() async throws {
    let arguments = [
      "backup", "--image", "d=\(place.path("d.raw"))", "--to", "raw=\(place.path("archive"))",
      "--rate-limit", "4M",
    ]
    let both = [try startSluice(arguments), try startSluice(arguments)]
    var findings: [Finding] = []
    for program in both { findings.append(try await program.finding()) }
    #expect(findings.compactMap(\.status).sorted() == [0, 72], "\(findings.map(\.errors))")
    #expect(findings.flatMap(\.left) == [])
    try await place.shell("cmp d.raw archive/d.raw")
    #expect(try place.names() == ["archive", "d.raw"])
  }

  /// Half a GiB takes long enough to read for a signal to come in time.
  @Test(arguments: [SIGINT, SIGKILL])
  func `a restore that is stopped leaves no name behind`(signal: Int32) async throws {
    try await place.shell("qemu-img create -q -f qcow2 big.qcow2 4G")
    try await place.shell("qemu-io -c 'write -P 3 0 512M' big.qcow2 && sync")
    let made = try await sluice(
      ["backup", "--image", "big=big.qcow2", "--to", "raw=archive"], in: place.directory)
    #expect(made.status == 0, "\(made.errors)")
    let program = try startSluice(
      ["restore", place.path("archive"), "--to", place.path("restored"), "--json"])
    #expect(try await program.says("\"started\""))
    program.send(signal)
    let finding = try await program.finding()
    #expect(signal == SIGKILL ? finding.signal == SIGKILL : finding.status == 130)
    #expect(finding.left == [])
    #expect(!place.exists("restored"))
    let again = try await sluice(
      ["restore", "archive", "--to", "restored"], in: place.directory)
    #expect(again.status == 0, "\(again.errors)")
    #expect(try place.names() == ["archive", "big.qcow2", "d.raw", "restored"])
  }
}

extension String {
  fileprivate var trimmingNewline: String { String(prefix { $0 != "\n" }) }
}
