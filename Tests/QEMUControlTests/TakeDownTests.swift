import CLinux
import CommandLine
import Glibc
import JSON
import Synchronization
import System
import Testing

@testable import QEMUControl

@Suite(.alone, .enabled(if: Emulator.isThere, Emulator.missing)) struct TakeDownTests {
  /// Runs all of a job up to a step, and leaves it there.
  ///
  /// - Returns: Whether the job has as many steps.
  private func leave(
    _ bench: Bench, at step: Int, _ journal: Journal?, new: BitmapName? = nil,
    parent: BitmapName? = nil
  ) async throws -> Bool {
    let counter = StepCounter(limit: step)
    let point = try await bench.point("0badcafe", journal: journal, new: new, parent: parent) {
      _ in counter.count()
    }
    counter.gate.withLock { $0 = point.steps }
    do throws(ControlError) {
      try await point.prepare()
      _ = try await point.take()
      for number in point.disks.indices {
        try await point.exportVhostUser(number, listener: try Self.listen(bench, "v\(number)"))
      }
      try await point.startNBD(listener: try Self.listen(bench, "nbd"))
      for number in point.disks.indices { try await point.exportNBD(number) }
    } catch {
      #expect(error == .ended)
      return true
    }
    return false
  }

  private static func listen(_ bench: Bench, _ name: String) throws(ControlError) -> Int32 {
    do { return try bench.listener(name).release() } catch { throw .unknownJobs([name]) }
  }

  @Test func `from every step the mark alone is enough`() async throws {
    let bench = try await Bench()
    let before = try await bench.graph()
    let mark = try #require(JobMark(id: "0badcafe"))
    var step = 1
    // An NBD server without an export is the one thing that only the journal tells.
    let journal = try bench.journal("0badcafe")
    while try await leave(bench, at: step, journal) {
      let knowledge = journal.contents.knowledge
      let outcome = await TakeDown.run(bench.client, of: mark, knowing: knowledge, seconds: 5)
      #expect(outcome.isClean, "step \(step): \(outcome)")
      #expect(try await bench.graph() == before, "step \(step)")
      try journal.update { $0.ownsNBDServer = false }
      let again = await TakeDown.run(bench.client, of: mark, seconds: 5)
      #expect(again.isClean && again.removed.isEmpty)
      step += 1
    }
    #expect(step > 12)
    _ = await TakeDown.run(bench.client, of: nil, seconds: 5)
    #expect(try await bench.graph() == before)
    // The server is gone too: it can be had.
    _ = try await bench.client.execute(
      "nbd-server-start",
      ["addr": ["type": "unix", "data": ["path": .string(bench.files.path("theirs"))]]])
  }

  @Test func `from every step, bitmaps of the job go and those of backups stay`() async throws {
    let bench = try await Bench()
    let drives = try await bench.client.execute("query-block").array ?? []
    let nodes = drives.compactMap { $0["inserted"]?["node-name"]?.string }
    try #require(nodes.count == 2)
    let (parent, new) = (try bench.backup(1), try bench.backup(2))
    for node in nodes {
      try await bench.addBitmap(parent.bitmap, to: node)
      try await bench.addBitmap("sluice-0BADCAFE-m0", to: node)
    }
    let mark = try #require(JobMark(id: "0badcafe"))
    let journal = try bench.journal("0badcafe")
    var (step, taken) = (1, 0)
    while try await leave(bench, at: step, journal, new: new, parent: parent) {
      let outcome = await TakeDown.run(
        bench.client, of: mark, knowing: journal.contents.knowledge, seconds: 5)
      #expect(outcome.isClean, "step \(step): \(outcome)")
      try journal.update { $0.ownsNBDServer = false }
      let inventory = try await BitmapInventory.read(bench.client)
      for node in nodes {
        let names = inventory[node]?.bitmaps.map(\.name).sorted() ?? []
        #expect(inventory[node]?.ours.allSatisfy(\.bitmap.isRecording) == true)
        if names == [parent.bitmap, "sluice-0BADCAFE-m0"] { continue }
        taken += 1
        #expect(names == [parent.bitmap, new.bitmap, "sluice-0BADCAFE-m0"])
        try await BitmapRemoval.remove(new, node: node, bench.client, seconds: 5)
      }
      step += 1
    }
    #expect(step > 12 && taken > 8)
    #expect(await TakeDown.run(bench.client, of: nil, seconds: 5).isClean)
  }

  @Test func `two take-downs at once do no harm`() async throws {
    let bench = try await Bench(monitors: 2)
    let before = try await bench.graph()
    let other = try await bench.emulator.connect(1)
    for _ in 0..<5 {
      _ = try await leave(bench, at: .max, nil)
      async let first = TakeDown.run(bench.client, of: nil, seconds: 5)
      async let second = TakeDown.run(other, of: nil, seconds: 5)
      let outcomes = await [first, second]
      #expect(outcomes.allSatisfy { $0.isClean }, "\(outcomes)")
      #expect(outcomes.filter(\.hasStoppedNBD).count == 1)
      #expect(try await bench.graph() == before)
    }
  }

  @Test func `a job whose owner lives is never taken down`() async throws {
    let bench = try await Bench()
    let journal = try bench.journal("0badcafe")
    let point = try await bench.point("0badcafe", journal: journal)
    try await point.prepare()
    _ = try await point.take()
    let graph = try await bench.graph()
    let recovery = try await Recovery.examine(
      bench.client, qmp: bench.emulator.path(), journals: bench.journals)
    #expect(recovery.live.map(\.mark.id) == ["0badcafe"])
    #expect(recovery.stale.isEmpty && recovery.unknown.isEmpty)
    #expect(throws: ControlError.anotherBackup(job: "0badcafe", process: getpid())) {
      try recovery.requireNoOtherJob()
    }
    #expect(await recovery.takeDown(bench.client, includingUnknown: true).isEmpty)
    #expect(try await bench.graph() == graph)
    let own = try await Recovery.examine(
      bench.client, qmp: bench.emulator.path(), own: point.mark, journals: bench.journals)
    #expect(own.isEmpty)
    #expect(await point.takeDown().isClean)
  }

  @Test func `what a dead job has left is taken down, its NBD server too`() async throws {
    let bench = try await Bench()
    let before = try await bench.graph()
    var journal: Journal? = try bench.journal("0badcafe")
    #expect(try await !leave(bench, at: .max, journal))
    // Without its exports, the server is known by the journal only.
    for number in 0...1 {
      _ = try await bench.client.execute(
        "block-export-del", ["id": .string("sluice-0badcafe-n\(number)"), "mode": "hard"])
    }
    journal = nil  // As if its owner were dead: the lock is gone, the file is not.
    try await waitUntilUnlocked(bench)
    let recovery = try await Recovery.examine(
      bench.client, qmp: bench.emulator.path(), journals: bench.journals)
    #expect(recovery.stale.map(\.mark.id) == ["0badcafe"] && recovery.live.isEmpty)
    #expect(throws: Never.self) { try recovery.requireNoOtherJob() }
    let done = await recovery.takeDown(bench.client)
    #expect(done.count == 1 && done[0].outcome.isClean && done[0].outcome.hasStoppedNBD)
    #expect(try await bench.graph() == before)
    #expect(Journal.list(in: bench.journals).isEmpty)
  }

  /// What was used a moment ago may be let go of on another thread.
  private func waitUntilUnlocked(_ bench: Bench) async throws {
    let mark = try #require(JobMark(id: "0badcafe"))
    let deadline = MonotonicTime.now.advanced(bySeconds: 5)
    while case .live = try Journal.find(mark, in: bench.journals), MonotonicTime.now < deadline {
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  @Test func `a job without a journal is left until somebody says so`() async throws {
    let bench = try await Bench()
    let before = try await bench.graph()
    #expect(try await !leave(bench, at: .max, nil))
    let recovery = try await Recovery.examine(
      bench.client, qmp: bench.emulator.path(), journals: bench.journals)
    #expect(recovery.unknown.map(\.id) == ["0badcafe"])
    #expect(throws: ControlError.unknownJobs(["0badcafe"])) { try recovery.requireNoOtherJob() }
    #expect(await recovery.takeDown(bench.client).isEmpty)
    let done = await recovery.takeDown(bench.client, includingUnknown: true)
    #expect(done.map(\.outcome.isClean) == [true])
    #expect(try await bench.graph() == before)
  }

  @Test func `names that only resemble ours stay`() async throws {
    let bench = try await Bench()
    for name in ["sluice-disk", "sluice-0BADCAFE-o0", "sluice-0badcafe"] {
      _ = try await bench.client.execute(
        "blockdev-add", ["driver": "null-co", "node-name": .string(name)])
    }
    let before = try await bench.graph()
    #expect(await TakeDown.run(bench.client, of: nil, seconds: 5) == TakeDownOutcome())
    #expect(try await bench.graph() == before)
  }

  @Test func `what will not go is named, in time`() async throws {
    let bench = try await Bench()
    let point = try await bench.point("0badcafe")
    try await point.prepare()
    // Somebody uses our overlay.
    _ = try await bench.client.execute(
      "blockdev-add",
      ["driver": "raw", "node-name": "theirs", "file": "sluice-0badcafe-o0", "read-only": true])
    let started = MonotonicTime.now
    let outcome = await point.takeDown(seconds: 0.5)
    #expect(MonotonicTime.now.seconds(since: started) < 2)
    #expect(outcome.left.sorted() == ["sluice-0badcafe-f0", "sluice-0badcafe-o0"])
    #expect(!outcome.isClean && outcome.removed.contains("sluice-0badcafe-o1"))
    guard case .qmp(.refused) = outcome.failure else {
      Issue.record("\(outcome)")
      return
    }
  }

  @Test func `a QEMU that has ended needs no take-down`() async throws {
    let bench = try await Bench()
    let point = try await bench.point("0badcafe")
    try await point.prepare()
    _ = try await point.take()
    bench.emulator.send(SIGKILL)
    let outcome = await point.takeDown()
    #expect(outcome.isClean && outcome.isQEMUGone)
  }

  @Test func `a guest that an administrator has paused stays so`() async throws {
    let bench = try await Bench()
    let point = try await bench.point("0badcafe")
    try await point.prepare()
    _ = try await point.take()
    _ = try await bench.client.execute("stop")
    let outcome = await point.takeDown()
    #expect(outcome.isClean && !outcome.hasContinuedGuest)
    #expect(try await bench.runState() == "paused")
  }
}
