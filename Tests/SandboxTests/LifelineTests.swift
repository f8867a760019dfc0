import CommandLine
import CLinux
import Foundation
import Testing

@testable import Sandbox
@testable import System

/// Whoever dies, the plugin dies. Its end is seen at a pipe that nobody else holds.
@Suite(.inTurns) struct LifelineTests {
  @Test func `terminate ends a program that would never end`() throws {
    let guest = try Guest(["wait"])
    guest.process.terminate()
    let visit = guest.finish()
    #expect(visit.status == .signal(SIGKILL) || visit.failedStep != nil)
    #expect(visit.output == "")
  }

  @Test func `a program that outlives its deadline is killed`() throws {
    let guest = try Guest(["wait"])
    let start = MonotonicTime.now
    let status = guest.process.reap(deadline: start.advanced(bySeconds: 0.5))
    #expect(status == .signal(SIGKILL))
    #expect(MonotonicTime.now.seconds(since: start) < 3)
  }

  @Test func `a program dies with the object that stands for it`() throws {
    func launchAndForget() throws -> OwnedDescriptor {
      let guest = try Guest(["wait"])
      return try guest.output.duplicate()
    }
    let output = try launchAndForget()
    #expect(readToEnd(output.raw) == "")
  }

  @Test(arguments: [0.0, 0.002, 0.005, 0.01, 0.05])
  func `a program dies when its host is killed`(afterSeconds: Double) throws {
    let host = try Host(["wait"])
    if afterSeconds > 0.04 { #expect(readLine(host.output.raw) == "started: ") }
    usleep(UInt32(afterSeconds * 1e6))
    _ = clinux_pidfd_signal(host.pidfd.raw, SIGKILL)
    #expect(readToEnd(host.output.raw) != nil, "somebody still holds the output")
    host.reap()
  }

  @Test func `a program dies when its monitor is killed`() throws {
    let host = try Host(["wait"])
    #expect(readLine(host.output.raw) == "started: ")
    let children = try String(
      contentsOfFile: "/proc/\(host.pid)/task/\(host.pid)/children", encoding: .utf8)
    let monitor = try #require(Int32(children.split(separator: " ").first ?? ""))
    kill(monitor, SIGKILL)
    let rest = try #require(readToEnd(host.output.raw))
    #expect(rest.contains("reaped: nothing"))
    host.reap()
  }
}

/// A host in a process of its own; the guest holds its output too.
private final class Host {
  let pid: Int32
  let pidfd: OwnedDescriptor
  let output: OwnedDescriptor

  init(_ guest: [String]) throws {
    let null = try openFile("/dev/null", flags: O_RDWR)
    var pipe = try System.Pipe()
    let program = Built.directory + "/sandbox-run"
    let words = [program, "--seconds=60", Built.launcher, Built.guest] + guest
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { arguments.forEach { free($0) } }
    var environment: [UnsafeMutablePointer<CChar>?] = [nil]
    var pid: Int32 = 0
    let sources = [null.raw, pipe.writeRaw, null.raw]
    try check(
      clinux_spawn(program, &arguments, &environment, sources, [0, 1, 2], 3, &pid), .spawn, program)
    self.pid = pid
    pidfd = OwnedDescriptor(adopting: try check(clinux_pidfd_open(pid), .pidfdOpen, program))
    output = pipe.takeReadEnd()
  }

  func reap() {
    var poller = Poller()
    poller.add(pidfd.raw, .readable)
    _ = try? poller.wait(seconds: 10)
    var code: Int32 = 0
    var isSignal: Int32 = 0
    #expect(clinux_reap(pid, &code, &isSignal) == 1)
  }
}
