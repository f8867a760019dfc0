import CLinux
import CommandLine
import Glibc
import JSON
import Synchronization
import System
import Testing

@testable import QEMUControl

@Suite(.alone, .enabled(if: Emulator.isThere, Emulator.missing)) struct WatchdogTests {
  private static let watchdog = Build.directory + "/sluice-watchdog"

  /// Runs a coordinator that dies at a step, on a monitor of its own.
  private func doomed(_ bench: Bench, step: Int, nbd: Bool) async throws -> Finding {
    let program = try Program(
      [
        Build.directory + "/doomed-coordinator", Self.watchdog, bench.emulator.path(1), "0badcafe",
        bench.journals, "\(step)",
      ] + (nbd ? ["nbd"] : []))
    return try await program.finding(within: 20)
  }

  /// Kills a coordinator at each of its steps.
  private func killEverywhere(_ bench: Bench, nbd: Bool) async throws -> Int {
    let before = try await bench.graph()
    var step = 0
    while true {
      let finding = try await doomed(bench, step: step, nbd: nbd)
      #expect(try await bench.graph() == before, "step \(step)")
      #expect(Journal.list(in: bench.journals).isEmpty, "step \(step)")
      #expect(finding.left.isEmpty && finding.seconds < 5, "step \(step): \(finding)")
      #expect(try await bench.runState() == "running")
      if finding.signal == nil {
        #expect(finding.status == 0 && finding.errors == "", "\(finding)")
        return step
      }
      #expect(finding.signal == SIGKILL)
      #expect(
        finding.errors.hasPrefix("sluice-watchdog: job 0badcafe: sluice exited before cleaning up"),
        "\(finding)")
      step += 1
    }
  }

  @Test func `whenever the coordinator dies, the watchdog takes all down`() async throws {
    let bench = try await Bench(monitors: 2)
    let steps = try await killEverywhere(bench, nbd: true)
    #expect(steps > 12)
  }

  @Test func `so it does with disks on I/O threads`() async throws {
    let bench = try await Bench(
      [
        "-machine", "pc", "-object", "iothread,id=io0",
        "-blockdev", "driver=qcow2,node-name=n0,file.driver=file,file.filename=a.qcow2",
        "-device", "virtio-blk-pci,drive=n0,id=disk0,iothread=io0",
      ], monitors: 2)
    #expect(try await killEverywhere(bench, nbd: false) > 4)
  }

  @Test func `if both are killed, the next job finds what is left`() async throws {
    let bench = try await Bench(monitors: 2)
    let before = try await bench.graph()
    let program = try Program([
      Build.directory + "/doomed-coordinator", "/bin/true", bench.emulator.path(1), "0badcafe",
      bench.journals, "8",
    ])
    #expect(try await program.finding(within: 20).signal == SIGKILL)
    #expect(try await bench.graph() != before)
    let recovery = try await Recovery.examine(
      bench.client, qmp: "another", journals: bench.journals)
    #expect(recovery.stale.map(\.mark.id) == ["0badcafe"])
    #expect(await recovery.takeDown(bench.client).map(\.outcome.isClean) == [true])
    #expect(try await bench.graph() == before)
    #expect(Journal.list(in: bench.journals).isEmpty)
  }

  @Test func `after the farewell it goes without a word to QEMU`() async throws {
    let bench = try await Bench()
    let before = try await bench.graph()
    let journal = try bench.journal("0badcafe")
    let watchdog = try WatchdogProcess.start(
      path: Self.watchdog, journal: journal, qmp: bench.client.inheritableDescriptor)
    #expect(watchdog.isAlive)
    let point = try await bench.point("0badcafe", journal: journal)
    try await point.prepare()
    #expect(await watchdog.end())
    #expect(!watchdog.isAlive)
    #expect(try await bench.graph() != before)
    #expect(await point.takeDown().isClean)
    #expect(Journal.list(in: bench.journals).map(\.id) == ["0badcafe"])
  }

  @Test func `a watchdog that was killed is known to be dead`() async throws {
    let bench = try await Bench()
    let journal = try bench.journal("0badcafe")
    let watchdog = try WatchdogProcess.start(
      path: Self.watchdog, journal: journal, qmp: bench.client.inheritableDescriptor)
    kill(watchdog.pid, SIGKILL)
    let deadline = MonotonicTime.now.advanced(bySeconds: 5)
    while watchdog.isAlive && MonotonicTime.now < deadline {
      try await Task.sleep(for: .milliseconds(5))
    }
    #expect(!watchdog.isAlive)
    #expect(await !watchdog.end())
  }

  @Test func `signals that end a job do not end the watchdog`() async throws {
    let bench = try await Bench()
    let journal = try bench.journal("0badcafe")
    let watchdog = try WatchdogProcess.start(
      path: Self.watchdog, journal: journal, qmp: bench.client.inheritableDescriptor)
    // Until it has started, its signals are at their defaults; it leads a session of its own.
    try await Task.sleep(for: .milliseconds(300))
    for signal in [SIGINT, SIGTERM, SIGHUP] { kill(watchdog.pid, signal) }
    try await Task.sleep(for: .milliseconds(100))
    #expect(watchdog.isAlive && getsid(watchdog.pid) == watchdog.pid)
    #expect(await watchdog.end())
  }

  @Test(arguments: [true, false])
  func `it thaws a guest that was frozen, and no other`(isFrozen: Bool) async throws {
    let bench = try await Bench(monitors: 2)
    let peer = try ScriptedPeer(answer: GuestAgentTests.usual)
    let said: Int
    do {
      let agent = try await GuestAgent.connect(path: peer.path, seconds: 5)
      said = peer.heard.withLock { $0.count }
      let client = try await bench.emulator.connect(1)
      let journal = try bench.journal("0badcafe")
      try journal.update { $0.isFrozen = isFrozen }
      let watchdog = try WatchdogProcess.start(
        path: Self.watchdog, journal: journal, qmp: client.inheritableDescriptor,
        agent: agent.rawDescriptor)
      #expect(watchdog.isAlive)
      agent.close()
      client.close()
      // Here everything is let go of, as by a dead coordinator: no farewell, no lock.
    }
    let deadline = MonotonicTime.now.advanced(bySeconds: 5)
    while !Journal.list(in: bench.journals).isEmpty && MonotonicTime.now < deadline {
      try await Task.sleep(for: .milliseconds(10))
    }
    #expect(Journal.list(in: bench.journals).isEmpty)
    #expect(heard("guest-fsfreeze-thaw", peer, from: said) == isFrozen)
  }

  private func heard(_ word: String, _ peer: ScriptedPeer, from count: Int) -> Bool {
    String(decoding: peer.heard.withLock { $0.dropFirst(count) }, as: UTF8.self).contains(word)
  }

  @Test func `it tells strangers what it is for`() async throws {
    for arguments in [[], ["x", "y"], ["0badcafe"]] {
      let finding = try await Program([Self.watchdog] + arguments).finding(within: 5)
      #expect(finding.status == 64 && finding.errors.contains("started by sluice backup"))
    }
  }
}
