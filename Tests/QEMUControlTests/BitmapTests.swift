import CommandLine
import Glibc
import JSON
import System
import Testing

@testable import QEMUControl

/// Dirty bitmaps of a running QEMU: what is judged, made, shown and removed.
@Suite(.inTurns, .enabled(if: Emulator.isThere, Emulator.missing)) struct BitmapTests {
  @Test func `names of backups and of jobs are told apart, and those of others`() throws {
    let job = String(repeating: "0badcafe", count: 4)
    let name = try #require(BitmapName(job: job, disk: "disk0.a", bytes: 65536))
    #expect(name.bitmap == "sluice-\(job).65536.disk0.a")
    #expect(BitmapName(bitmap: name.bitmap) == name)
    // A take-down by mark must never meet one of these.
    #expect(JobMark(markOf: name.bitmap) == nil)
    let mark = try #require(JobMark(endOf: job))
    #expect(JobMark(markOf: mark.changes(3)) == mark && BitmapName(bitmap: mark.changes(3)) == nil)
    for other in [
      "", "sluice-", "sluice-\(job)", "sluice-\(job)0.1.d", "sluice-\(job).x.d",
      "sluice-\(job.dropLast())", job, "cp0",
    ] {
      #expect(BitmapName(bitmap: other) == nil)
    }
    #expect(BitmapName(job: job.uppercased()) == nil)
  }

  @Test func `what QEMU says of its bitmaps is known, and of running jobs nothing`() async throws {
    let bench = try await Bench()
    let first = try bench.backup(1)
    try await bench.addBitmap(first.bitmap, to: "n0", isPersistent: true)
    try await bench.addBitmap("theirs", to: "n0", isDisabled: true)
    try await bench.write(1, to: 0, "64k 4k")
    let point = try await bench.point("00000001")
    try await point.prepare()
    _ = try await point.take()
    let node = try #require(try await BitmapInventory.read(bench.client)["n0"])
    #expect(node.size == 16 << 20 && node.keepsBitmaps)
    #expect(node.ours.map(\.name) == [first])
    let bitmap = try #require(node.bitmap(first.bitmap))
    #expect(bitmap.isRecording && bitmap.isPersistent && !bitmap.isBusy && !bitmap.isInconsistent)
    #expect(bitmap.dirtyBytes == 64 << 10 && bitmap.granularity == 64 << 10)
    #expect(node.bitmap("theirs")?.isRecording == false)
    // That of the job has no name.
    #expect(node.bitmaps.count == 2)
    #expect(await point.takeDown().isClean)
  }

  @Test(arguments: [
    ("-f qcow2 -o compat=1.1", true), ("-f qcow2 -o compat=0.10", false), ("-f raw", false),
  ])
  func `only a qcow2 of version 3 keeps bitmaps beyond QEMU`(
    format: String, keeps: Bool
  ) async throws {
    let driver = format.contains("raw") ? "raw" : "qcow2"
    let bench = try await Bench(
      ["-blockdev", "driver=\(driver),node-name=n,file.driver=file,file.filename=d"],
      prepare: "qemu-img create -q \(format) d 1M")
    #expect(try await BitmapInventory.read(bench.client)["n"]?.keepsBitmaps == keeps)
    let refusal = await failure { () async throws(QMPError) in
      try await bench.addBitmap("b", to: "n", isPersistent: true)
    }
    #expect((refusal == nil) == keeps)
  }

  @Test func `a parent's bitmap is usable only while it tells everything`() async throws {
    let bench = try await Bench()
    let bytes: UInt64 = 16 << 20
    let names = try (0..<4).map { try bench.backup($0) }
    for name in names.dropFirst() { try await bench.addBitmap(name.bitmap, to: "n0") }
    _ = try await bench.client.execute(
      "block-dirty-bitmap-disable", ["node": "n0", "name": .string(names[2].bitmap)])
    let judged = { (name: BitmapName, bytes: UInt64) async throws -> BitmapObstacle? in
      let inventory = try await BitmapInventory.read(bench.client)
      switch inventory.judge(name, on: "n0", parentBytes: bytes) {
      case .usable: return nil
      case .unusable(let obstacle): return obstacle
      }
    }
    #expect(try await judged(names[0], bytes) == .missing)
    #expect(try await judged(names[1], bytes) == nil)
    #expect(try await judged(names[2], bytes) == .notRecording)
    #expect(
      try await judged(names[1], bytes - 512)
        == .otherSize(parentBytes: bytes - 512, bytes: bytes))
    // One of another disk is none of this one.
    #expect(try await BitmapInventory.read(bench.client)["nowhere"] == nil)
    _ = try await bench.client.execute(
      "block_resize", ["node-name": "n0", "size": .integer(20 << 20)])
    #expect(
      try await judged(names[1], bytes) == .otherSize(parentBytes: bytes, bytes: 20 << 20))
    try await bench.occupy(names[3], bytes: 20 << 20)
    #expect(try await judged(names[3], 20 << 20) == .busy)
  }

  @Test func `a killed QEMU leaves no bitmap that could be taken for sound`() async throws {
    let disk = [
      "-blockdev", "driver=qcow2,node-name=n0,file.driver=file,file.filename=a.qcow2",
      "-device", "virtio-blk-pci,drive=n0,id=disk0",
    ]
    let bench = try await Bench(disk)
    let (stored, unstored) = (try bench.backup(1), try bench.backup(2))
    try await bench.addBitmap(stored.bitmap, to: "n0", isPersistent: true)
    _ = try await bench.client.execute("quit")
    _ = try await bench.emulator.finding()
    let state = { (bench: Bench) async throws -> [BitmapJudgement] in
      let inventory = try await BitmapInventory.read(bench.client)
      return [stored, unstored].map { inventory.judge($0, on: "n0", parentBytes: 16 << 20) }
    }
    let image = bench.files.path("a.qcow2")
    let second = try await Bench(disk, prepare: "mv '\(image)' a.qcow2")
    guard case .usable(let bitmap) = try await state(second)[0] else {
      Issue.record("an orderly end has lost it")
      return
    }
    #expect(bitmap.isPersistent)
    try await second.addBitmap(unstored.bitmap, to: "n0", isPersistent: true)
    second.emulator.send(SIGKILL)
    _ = try await second.emulator.finding()
    let third = try await Bench(disk, prepare: "mv '\(second.files.path("a.qcow2"))' a.qcow2")
    #expect(try await state(third) == [.unusable(.inconsistent), .unusable(.missing)])
    // All that can be done with it is what settling and recovering do.
    try await BitmapRemoval.remove(stored, node: "n0", third.client, seconds: 5)
    #expect(try await BitmapInventory.read(third.client)["n0"]?.bitmaps == [])
  }

  @Test func `a disk has eight of ours at most, others do not count`() async throws {
    let bench = try await Bench()
    for number in 0..<7 { try await bench.addBitmap(try bench.backup(number).bitmap, to: "n0") }
    for number in 0..<9 { try await bench.addBitmap("theirs\(number)", to: "n0") }
    #expect(try await BitmapInventory.read(bench.client).crowd(on: "n0") == [])
    try await bench.addBitmap(try bench.backup(7).bitmap, to: "n0")
    let crowd = try await BitmapInventory.read(bench.client).crowd(on: "n0")
    #expect(Set(crowd) == Set(try (0..<8).map { try bench.backup($0) }))
    #expect(try await BitmapInventory.read(bench.client).crowd(on: "nowhere") == [])
  }

  @Test(arguments: [
    #"[{"node-name":"n","dirty-bitmaps":[{"name":"b","granularity":0,"count":0}]}]"#,
    #"[{"node-name":"n","dirty-bitmaps":[{"name":"b","granularity":65536,"count":-1}]}]"#,
    #"[{"node-name":"n","dirty-bitmaps":[{"name":"b"}]}]"#,
  ])
  func `a bitmap that cannot be is an error`(answer: String) throws {
    let value = try JSONValue(parsing: Array(answer.utf8))
    #expect(throws: ControlError.self) { try BitmapInventory(value) }
  }
}

extension Bench {
  /// The bitmap of an earlier backup.
  func backup(_ number: Int) throws -> BitmapName {
    let digits = String(number, radix: 16)
    return try #require(
      BitmapName(job: String(repeating: "0", count: 32 - digits.count) + digits))
  }

  func addBitmap(
    _ name: String, to node: String, isPersistent: Bool = false, isDisabled: Bool = false
  ) async throws(QMPError) {
    _ = try await client.execute(
      "block-dirty-bitmap-add",
      [
        "node": .string(node), "name": .string(name), "granularity": 65536,
        "persistent": .bool(isPersistent), "disabled": .bool(isDisabled),
      ])
  }

  /// A job of somebody else that uses a bitmap of n0, until QEMU ends.
  func occupy(_ name: BitmapName, bytes: Int64) async throws {
    _ = try await client.execute(
      "blockdev-add", ["driver": "null-co", "node-name": "sink", "size": .integer(bytes)])
    _ = try await client.execute(
      "blockdev-backup",
      [
        "job-id": "theirs", "device": "n0", "target": "sink", "sync": "bitmap",
        "bitmap": .string(name.bitmap), "bitmap-mode": "never", "auto-dismiss": false,
        "auto-finalize": false,
      ])
  }
}
