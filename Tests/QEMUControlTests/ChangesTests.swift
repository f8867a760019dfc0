import CommandLine
import Glibc
import JSON
import System
import Testing

@testable import QEMUControl

/// What a point in time does with dirty bitmaps, and what its reader sees of them.
@Suite(.inTurns, .enabled(if: Emulator.isThere, Emulator.missing)) struct ChangesTests {
  /// A qcow2 and a raw disk, `n0` and `n1`.
  private func bench(isThreaded: Bool = false) async throws -> Bench {
    let thread = isThreaded ? ",iothread=io0" : ""
    return try await Bench([
      "-machine", "pc", "-object", "iothread,id=io0",
      "-blockdev", "driver=qcow2,node-name=n0,file.driver=file,file.filename=a.qcow2",
      "-device", "virtio-blk-pci,drive=n0,id=disk0" + thread,
      "-blockdev", "driver=raw,node-name=n1,file.driver=file,file.filename=b.raw",
      "-device", "virtio-blk-pci,drive=n1,id=disk1" + thread,
    ])
  }

  /// As the guest would, to both disks.
  private func write(_ bench: Bench, _ pattern: Int, _ range: String) async throws {
    for device in try await bench.client.execute("query-block").array ?? [] {
      let line = "qemu-io -d \(device["qdev"]?.string ?? "") \"write -P \(pattern) \(range)\""
      _ = try await bench.client.execute(
        "human-monitor-command", ["command-line": .string(line)])
    }
  }

  /// Clusters that a map of `nbdinfo` calls dirty.
  private func dirty(
    _ bench: Bench, _ bitmap: String, export name: String = "", inFile file: String? = nil
  ) async throws -> [Int] {
    let server =
      file.map { "-- [ qemu-nbd -r -f qcow2 -B \(bitmap) \($0) ]" }
      ?? "'nbd+unix:///\(name)?socket=nbd'"
    let said = try await bench.files.shell("nbdinfo --map=qemu:dirty-bitmap:\(bitmap) \(server)")
    return said.split(separator: "\n").flatMap { line -> [Int] in
      let words = line.split(separator: " ")
      guard words.count == 4, words[3] == "dirty", let start = Int(words[0]),
        let length = Int(words[1])
      else { return [] }
      return Array((start >> 16)..<((start + length) >> 16))
    }
  }

  private func recording(_ bench: Bench, _ node: String) async throws -> [String: [Int64]] {
    let bitmaps = try await BitmapInventory.read(bench.client)[node]?.bitmaps ?? []
    return Dictionary(
      uniqueKeysWithValues: bitmaps.map {
        ($0.name, [$0.isRecording ? 1 : 0, $0.dirtyBytes >> 16])
      })
  }

  @Test func `what was written before the instant is in the map, what comes after in the next`()
    async throws
  {
    let bench = try await bench()
    let (parent, new) = (try bench.backup(1), try bench.backup(2))
    for node in ["n0", "n1"] { try await bench.addBitmap(parent.bitmap, to: node) }
    try await write(bench, 1, "64k 64k")
    let point = try await bench.point("00000001", new: new, parent: parent)
    try await point.prepare()
    try await write(bench, 2, "256k 4k")
    _ = try await point.take()
    try await write(bench, 3, "512k 128k")
    let listener = try bench.listener("nbd")
    try await point.startNBD(listener: listener.raw)
    for number in 0...1 { try await point.exportNBD(number) }
    for (number, disk) in point.disks.enumerated() {
      #expect(try await dirty(bench, point.mark.changes(number), export: disk.name) == [1, 4])
      // Nothing of ours ever stops to record, and a qcow2 keeps it.
      let state = try await recording(bench, disk.node)
      #expect(state[new.bitmap] == [1, 2] && state[parent.bitmap] == [1, 4])
      #expect(state[point.mark.changes(number)] == [0, 2])
      let node = try await BitmapInventory.read(bench.client)[disk.node]
      #expect(node?.bitmap(new.bitmap)?.isPersistent == (disk.node == "n0"))
    }
    #expect(await point.takeDown().isClean)
    for node in ["n0", "n1"] {
      #expect(try await recording(bench, node).keys.sorted() == [parent.bitmap, new.bitmap])
    }
  }

  @Test func `a plain backup leaves no bitmap, and one without a parent only its own`()
    async throws
  {
    let bench = try await bench()
    let before = try await bench.graph()
    let plain = try await bench.point("00000001")
    try await plain.prepare()
    _ = try await plain.take()
    #expect(await plain.takeDown().isClean)
    #expect(try await bench.graph() == before)
    let new = try bench.backup(2)
    let full = try await bench.point("00000002", new: new, parent: nil)
    try await full.prepare()
    _ = try await full.take()
    let listener = try bench.listener("nbd")
    try await full.startNBD(listener: listener.raw)
    try await full.exportNBD(0)
    #expect(await full.takeDown().isClean)
    for node in ["n0", "n1"] {
      #expect(try await recording(bench, node) == [new.bitmap: [1, 0]])
    }
  }

  @Test(arguments: [false, true])
  func `a spool holds the map of what had changed at the instant`(isThreaded: Bool) async throws {
    let bench = try await bench(isThreaded: isThreaded)
    let (parent, new) = (try bench.backup(1), try bench.backup(2))
    for node in ["n0", "n1"] { try await bench.addBitmap(parent.bitmap, to: node) }
    try await write(bench, 1, "64k 64k")
    let point = try await bench.point(
      "00000001", method: .spool(bytesPerSecond: 8 << 20, boundsWorkers: true), new: new,
      parent: parent)
    try await point.prepare()
    _ = try await point.take()
    try await write(bench, 3, "64k 128k")
    while try await !point.copyProgress().isComplete {
      try await Task.sleep(for: .milliseconds(20))
    }
    #expect(await point.takeDown(keepsContents: true).isClean)
    for (number, disk) in point.disks.enumerated() {
      #expect(
        try await recording(bench, disk.node) == [parent.bitmap: [1, 2], new.bitmap: [1, 2]])
      try await bench.files.shell(
        "cp /proc/\(getpid())/fd/\(disk.image.rawDescriptor) spool; rm -f nbd; "
          + "qemu-nbd --fork -r -f qcow2 -k $PWD/nbd -x disk -B \(point.mark.changes(number)) spool"
      )
      #expect(try await dirty(bench, point.mark.changes(number), inFile: "spool") == [1])
      #expect(disk.image.standsAlone)
      disk.image.empty()
    }
  }

  @Test func `a parent that is lost before the instant is named, and nothing has begun`()
    async throws
  {
    let bench = try await bench()
    let (parent, new) = (try bench.backup(1), try bench.backup(2))
    for node in ["n0", "n1"] { try await bench.addBitmap(parent.bitmap, to: node) }
    let point = try await bench.point("00000001", new: new, parent: parent)
    try await point.prepare()
    try await BitmapRemoval.remove(parent, node: "n1", bench.client, seconds: 5)
    await #expect(throws: ControlError.bitmapUnusable(disk: "disk1", .missing)) {
      _ = try await point.take()
    }
    #expect(try await bench.client.execute("query-jobs").array == [])
    #expect(await point.takeDown().isClean)
    #expect(try await recording(bench, "n0").keys.sorted() == [parent.bitmap])
    #expect(try await recording(bench, "n1") == [:])
  }

  @Test(arguments: [
    (BitmapSettlement.Outcome.succeedsParent, [2]), (.besideParent, [1, 2]), (.failed, [1]),
  ])
  func `what is no longer needed goes when a job is settled, and nobody else's`(
    outcome: BitmapSettlement.Outcome, left: [Int]
  ) async throws {
    let bench = try await bench()
    let (parent, new) = (try bench.backup(1), try bench.backup(2))
    for node in ["n0", "n1"] {
      try await bench.addBitmap(parent.bitmap, to: node)
      try await bench.addBitmap("theirs", to: node)
    }
    let journal = try bench.journal("00000001")
    let times = BitmapTimes(beside: journal)
    times.note(parent, seconds: 1, qmp: bench.emulator.path())
    let point = try await bench.point("00000001", journal: journal, new: new, parent: parent)
    try await point.prepare()
    _ = try await point.take()
    #expect(times.seconds(of: new) != nil)
    #expect(await point.takeDown().isClean)
    // Twice: what is gone is not missed.
    for _ in 0..<2 {
      #expect(
        await BitmapSettlement.run(bench.client, point.disks, outcome, journal: journal) == [])
      let expected = try left.map { try bench.backup($0).bitmap } + ["theirs"]
      for node in ["n0", "n1"] {
        #expect(try await recording(bench, node).keys.sorted() == expected)
      }
      #expect(
        [parent, new].filter { times.seconds(of: $0) != nil }.map(\.bitmap) == expected.dropLast())
    }
  }

  @Test func `a bitmap that cannot be removed is a warning, a QEMU that has ended is none`()
    async throws
  {
    let bench = try await bench()
    let (parent, new) = (try bench.backup(1), try bench.backup(2))
    for node in ["n0", "n1"] { try await bench.addBitmap(parent.bitmap, to: node) }
    let point = try await bench.point("00000001", new: new, parent: parent)
    try await point.prepare()
    _ = try await point.take()
    #expect(await point.takeDown().isClean)
    try await bench.occupy(parent, bytes: 16 << 20)
    let warnings = await BitmapSettlement.run(bench.client, point.disks, .succeedsParent)
    #expect(
      warnings.count == 1 && warnings[0].hasPrefix("disk0: the dirty bitmap \(parent.bitmap)"))
    #expect(try await recording(bench, "n1").keys.sorted() == [new.bitmap])
    bench.emulator.send(SIGKILL)
    _ = try await bench.emulator.finding()
    #expect(await BitmapSettlement.run(bench.client, point.disks, .succeedsParent) == [])
  }
}
