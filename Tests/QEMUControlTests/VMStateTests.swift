import CLinux
import CommandLine
import Glibc
import JSON
import Synchronization
import System
import Testing

@testable import QEMUControl

/// RAM of a real QEMU, captured with its disks.
@Suite(.alone, .enabled(if: Emulator.isThere, Emulator.missing)) struct VMStateTests {
  private static let mark = JobMark(id: "0badcafe")

  /// Settings of migration that a capture changes, as they are.
  private func settings(_ bench: Bench) async throws -> String {
    let parameters = try await bench.client.execute("query-migrate-parameters")
    return try await bench.client.execute("query-migrate-capabilities").text
      + ["max-bandwidth", "tls-creds", "mode"].map { parameters[$0]?.text ?? "-" }.joined()
  }

  /// Settings as a management program may leave them, each of which disturbs a capture.
  private func disturb(_ bench: Bench) async throws {
    let names = ["events", "x-ignore-shared", "auto-converge", "release-ram", "multifd"]
    let states = names.map { name -> JSONValue in
      ["capability": .string(name), "state": true]
    }
    _ = try await bench.client.execute(
      "migrate-set-capabilities", ["capabilities": .array(states)])
    _ = try await bench.client.execute("migrate-set-parameters", ["max-bandwidth": 12_345_678])
  }

  private func choice(_ bench: Bench, _ wish: VMStateWay?) async throws -> VMStateChoice {
    let state = try #require(try await bench.runState())
    return try await VMStateChoice.make(bench.client, runState: state, wish: wish)
  }

  private func capture(
    _ bench: Bench, _ wish: VMStateWay?, _ instant: PointInTime
  ) async throws -> VMStateCapture {
    let choice = try await choice(bench, wish)
    let spool = try VMStateSpool(
      in: FleecingDirectory(bench.files.directory), memoryBytes: choice.memoryBytes)
    return VMStateCapture(choice, spool, with: instant)
  }

  private func complete(_ capture: VMStateCapture) async throws(ControlError) {
    while true {
      switch try await capture.progress() {
      case .complete: return
      case .failed(let words): throw .vmStateFailed(words: words)
      case .beginning, .writing: await pause(milliseconds: 5)
      }
    }
  }

  /// All of it, in the order that each way needs.
  private func take(
    _ capture: VMStateCapture, _ instant: PointInTime
  ) async throws(ControlError) {
    if capture.choice.way == .background {
      try await instant.prepare()
      try await capture.arm()
      try await capture.pauseGuest()
      _ = try await instant.take()
      try await capture.start()
      try await capture.resumeGuest()
      try await complete(capture)
    } else {
      try await capture.arm()
      try await capture.pauseGuest()
      try await capture.start()
      try await complete(capture)
      try await capture.activateDisks()
      try await instant.prepare()
      _ = try await instant.take()
      try await capture.resumeGuest()
    }
    try await capture.finish()
  }

  @Test(arguments: VMStateWay.allCases)
  func `RAM is captured, the guest runs on, and settings are put back`(
    _ way: VMStateWay
  ) async throws {
    let bench = try await Bench()
    try await disturb(bench)
    let (before, graph) = (try await settings(bench), try await bench.graph())
    let journal = try bench.journal("0badcafe")
    let instant = try await bench.point("0badcafe", journal: journal)
    let capture = try await capture(bench, way, instant)
    #expect(capture.choice.way == way && capture.choice.ramBytes == 64 << 20)
    #expect(capture.choice.memoryBytes > 64 << 20 && capture.choice.memoryBytes < 256 << 20)
    try await take(capture, instant)
    #expect(try await bench.runState() == "running")
    #expect(try await settings(bench) == before)
    #expect(journal.contents.vmState == nil)
    #expect(capture.spool.isStream && capture.spool.byteCount > 100_000)
    #expect(await instant.takeDown().isClean)
    #expect(try await bench.graph() == graph)
  }

  @Test(arguments: VMStateWay.allCases)
  func `from every step the journal is enough`(_ way: VMStateWay) async throws {
    let bench = try await Bench()
    try await disturb(bench)
    let (before, graph) = (try await settings(bench), try await bench.graph())
    var step = 1
    while step < 40 {
      let counter = StepCounter(limit: step)
      let journal = try bench.journal("0badcafe")
      let instant = try await bench.point("0badcafe", journal: journal) { _ in counter.count() }
      counter.gate.withLock { $0 = instant.steps }
      let capture = try await capture(bench, way, instant)
      let isWhole = await didEnd { () async throws(ControlError) in
        try await take(capture, instant)
      }
      let outcome = await TakeDown.run(
        bench.client, of: Self.mark, knowing: journal.contents.knowledge, seconds: 10)
      #expect(outcome.isClean, "step \(step): \(outcome)")
      #expect(try await bench.runState() == "running", "step \(step)")
      #expect(try await settings(bench) == before, "step \(step)")
      #expect(try await bench.graph() == graph, "step \(step)")
      journal.remove()
      if isWhole { break }
      step += 1
    }
    #expect((12..<40).contains(step))
  }

  /// - Returns: Whether all steps were made.
  private func didEnd(_ body: () async throws(ControlError) -> Void) async -> Bool {
    do throws(ControlError) {
      try await body()
      return true
    } catch {
      #expect(error == .ended)
      return false
    }
  }

  /// QEMU 7.2 leaves its RAM write-protected, and the guest would wait for ever.
  @Test func `a guest whose background snapshot somebody cancels runs on`() async throws {
    let bench = try await TinyGuest.bench(writeErrors: "stop", memory: 1024)
    try await TinyGuest.start(bench)
    var cancelled = 0
    for _ in 0..<20 where cancelled < 2 {
      let instant = try await bench.point("0badcafe")
      let capture = try await capture(bench, .background, instant)
      try await instant.prepare()
      try await capture.arm()
      try await capture.pauseGuest()
      _ = try await instant.take()
      try await capture.start()
      try await capture.resumeGuest()
      _ = try await bench.client.execute("migrate_cancel")
      if case .failed = try await end(of: capture) { cancelled += 1 }
      #expect(await instant.takeDown().isClean)
      #expect(try await bench.runState() == "running")
      try await TinyGuest.goesOn(bench)
    }
    #expect(cancelled == 2, "QEMU was faster every time")
  }

  private func end(of capture: VMStateCapture) async throws -> VMStateCapture.Progress {
    while true {
      let progress = try await capture.progress()
      if ![.beginning, .writing].contains(progress) { return progress }
      await pause(milliseconds: 2)
    }
  }

  @Test func `a guest that is paused is captured without a pause, and stays paused`() async throws {
    let bench = try await Bench()
    _ = try await bench.client.execute("stop")
    let instant = try await bench.point("0badcafe")
    let capture = try await capture(bench, nil, instant)
    #expect(capture.choice.way == .stop && !capture.choice.isGuestRunning)
    try await take(capture, instant)
    #expect(try await bench.runState() == "postmigrate")
    #expect(await instant.takeDown().isClean)
    #expect(try await bench.runState() == "postmigrate")
    await #expect(throws: VMStateObstacle.migrated) { try await choice(bench, nil) }
    _ = try await bench.client.execute("cont")
    #expect(try await bench.runState() == "running")
  }

  @Test func `a machine that never ran is refused`() async throws {
    let bench = try await Bench(runs: false)
    await #expect(throws: VMStateObstacle.neverRan) { try await choice(bench, nil) }
  }

  @Test func `a migration in progress is left alone`() async throws {
    let bench = try await Bench()
    _ = try await bench.client.execute("migrate-set-parameters", ["max-bandwidth": 1000])
    let listener = try bench.listener("target")
    _ = try await bench.client.execute(
      "migrate", ["uri": .string("unix:" + bench.files.path("target"))])
    #expect(
      try await eventually {
        await #expect(throws: VMStateObstacle.migrating("active")) { try await choice(bench, nil) }
        return true
      })
    let status = try await bench.client.execute("query-migrate")["status"]
    #expect(status == "active")
    withExtendedLifetime(listener) {}
  }

  @Test func `a background snapshot that QEMU refuses is a pause, or an error`() async throws {
    // RAM in a file of a filesystem cannot be write-protected.
    let bench = try await Bench(
      Bench.disks + [
        "-object", "memory-backend-file,id=ram,size=64M,share=on,mem-path=ram.bin",
        "-machine", "memory-backend=ram",
      ])
    let before = try await settings(bench)
    let choice = try await choice(bench, nil)
    #expect(choice.way == .stop && choice.reason != nil)
    await #expect(throws: VMStateObstacle.self) { try await self.choice(bench, .background) }
    #expect(try await settings(bench) == before)
  }

  @Test func `a guest that somebody resumed has no instant with its disks`() async throws {
    let bench = try await Bench()
    let instant = try await bench.point("0badcafe")
    let capture = try await capture(bench, .stop, instant)
    try await capture.arm()
    try await capture.pauseGuest()
    _ = try await bench.client.execute("cont")
    await #expect(throws: ControlError.self) { try await capture.start() }
    #expect(await instant.takeDown().isClean)
  }

  @Test func `memory is summed up from the tables of old and new QEMUs`() {
    let seven = """
                    Block Name    PSize              Offset               Used              Total
                        pc.ram    4 KiB  0x0000000000000000 0x0000000010000000 0x0000000010000000
          /rom@etc/acpi tables    4 KiB  0x0000000010080000 0x0000000000020000 0x0000000000200000
      """
    #expect(RAMBlocks.byteCount(inTable: seven) == 0x1020_0000)
    let ten = seven.split(separator: "\n").map { $0 + " 0x00007fe303e00000  rw" }
    #expect(RAMBlocks.byteCount(inTable: ten.joined(separator: "\r\n")) == 0x1020_0000)
    for table in ["", "x", "head\nram 0x1 0x2", "head\n0x0 0x0 0xffffffffffffffff"] {
      #expect(RAMBlocks.byteCount(inTable: table) == nil)
    }
  }

  @Test func `a journal keeps what has to be undone`() throws {
    let settings = MigrationSettings(
      parsing: ["capabilities": ["events": true, "multifd": false], "parameters": ["mode": "x"]])
    var undo = VMStateUndo(settings, cancelling: .whenWriting)
    undo.isPaused = true
    let read = try #require(VMStateUndo(parsing: undo.json))
    #expect(read == undo)
    #expect(VMStateUndo(parsing: nil) == nil && VMStateUndo(parsing: 3) == nil)
    // What cannot be read is undone; what may harm is not.
    let empty = try #require(VMStateUndo(parsing: [:]))
    #expect(empty.isMigrating && empty.isPaused && empty.cancelling == .never)
  }
}
