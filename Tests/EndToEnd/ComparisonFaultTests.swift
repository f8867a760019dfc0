import CommandLine
import Glibc
import System
import Testing

/// What ends from outside while a disk is compared with its parent, or a reader waits.
@Suite(.inTurns) struct ComparisonFaultTests {
  private func chain() async throws -> ImageChain {
    let chain = try await ImageChain()
    try await chain.change(seed: 1)
    return chain
  }

  /// An increment that is compared slowly.
  private func start(_ chain: ImageChain, rate: String, _ more: [String] = []) throws -> Program {
    let path = { chain.scratch.path($0) }
    return try startSluice(
      [
        "backup", "--json", "--image", "d=\(path("d.raw"))", "--to", "qcow2=\(path("b/x"))",
        "--level", "incremental", "--parent", path("b"), "--rate-limit", rate,
      ] + more)
  }

  /// The process that a command of this machine started for this place.
  private func child(_ chain: ImageChain, _ command: String) async throws -> Int32 {
    let found = try await chain.scratch.shell(command)
    return try #require(Int32(found.prefix { $0 != "\n" }), "\(found)")
  }

  @Test func `a daemon that dies is named in plain words`() async throws {
    let chain = try await chain()
    let program = try start(chain, rate: "1M")
    #expect(try await program.says("\"started\""))
    try await Task.sleep(for: .milliseconds(300))
    let daemon = try await child(
      chain,
      "pgrep -f '[q]emu-storage-daemon.*\(chain.scratch.directory)' | tail -n 1")
    #expect(kill(daemon, SIGKILL) == 0)
    let finding = try await program.finding()
    #expect(finding.status == 74, "\(finding.errors)")
    #expect(finding.errors.contains("cannot read d: qemu-storage-daemon exited"))
    #expect(!finding.errors.contains("source("), "\(finding.errors)")
    #expect(finding.left == [])
    #expect(!chain.scratch.exists("b/x"))
  }

  @Test func `a parent's reader that stands still is given up`() async throws {
    let chain = try await chain()
    // More than the pool holds: the reader cannot have said all.
    try await chain.scratch.shell(
      "rm -r b/a0 && dd if=/dev/urandom of=d.raw bs=1M count=24 conv=notrunc status=none")
    try await chain.backUp("a1", "full")
    let program = try start(chain, rate: "6M", ["--stall-limit", "2"])
    #expect(try await program.says("\"started\""))
    try await Task.sleep(for: .milliseconds(300))
    let reader = try #require(program.writer)
    #expect(kill(reader, SIGSTOP) == 0)
    let finding = try await program.finding(within: 40)
    #expect(finding.status == 70, "\(finding.errors)")
    #expect(finding.errors.contains("no progress for 2 s"), "\(finding.errors)")
    #expect(finding.left == [])
    #expect(!chain.scratch.exists("b/x"))
  }

  /// The last bytes are owed to the limit for longer than the plugin may take for its end.
  @Test func `a low rate is none of the plugin's faults`() async throws {
    let place = try Scratch()
    try place.makeSparse("d.raw", bytes: 2 << 20, data: [(0, 2 << 20)])
    let made = try await sluice(
      ["backup", "--image", "d=d.raw", "--to", "vma=a"], in: place.directory)
    #expect(made.status == 0, "\(made.errors)")
    let finding = try await sluice(
      ["restore", "a", "--to", "r", "--rate-limit", "256K", "--stall-limit", "0.3"],
      in: place.directory)
    #expect(finding.status == 0, "\(finding.errors)")
    try await place.shell("cmp d.raw r/d.raw")
  }
}
