import CLinux
import CommandLine
import Glibc
import JSON
import System
import Testing

@testable import QEMUControl

@Suite(.inTurns, .enabled(if: Emulator.isThere, Emulator.missing)) struct PointInTimeTests {
  /// Reads an NBD export and compares it with a pattern; what went wrong, or `nil`.
  private func mismatch(
    _ bench: Bench, _ name: String, _ pattern: Int, _ range: String
  ) async throws -> String? {
    let said = try await bench.files.shell(
      "qemu-io -r -f raw -c 'read -P \(pattern) \(range)' 'nbd+unix:///\(name)?socket=nbd' || true")
    return said.contains("ops;") && !said.contains("failed") ? nil : said
  }

  private func startNBD(_ point: PointInTime, _ bench: Bench) async throws {
    let listener = try bench.listener("nbd")
    try await point.startNBD(listener: listener.raw)
    for number in point.disks.indices { try await point.exportNBD(number) }
  }

  @Test func `what the guest writes behind the instant is not in it`() async throws {
    let bench = try await Bench()
    let before = try await bench.graph()
    for disk in 0...1 { try await bench.write(17, to: disk, "0 256k") }
    let point = try await bench.point("00000001")
    try await point.prepare()
    // Overlays are there, but not the instant.
    try await bench.write(18, to: 0, "0 64k")
    let taken = try await point.take()
    #expect(taken.milliseconds < 5000 && abs(taken.seconds - Double(time(nil))) < 5)
    for disk in 0...1 { try await bench.write(99, to: disk, "0 512k") }
    try await startNBD(point, bench)
    #expect(point.disks.map(\.name) == ["drive1", "disk0"])
    #expect(try await mismatch(bench, "disk0", 18, "0 64k") == nil)
    #expect(try await mismatch(bench, "disk0", 17, "64k 192k") == nil)
    #expect(try await mismatch(bench, "disk0", 0, "256k 256k") == nil)
    #expect(try await mismatch(bench, "drive1", 17, "0 256k") == nil)
    #expect(try await mismatch(bench, "drive1", 0, "256k 256k") == nil)
    // The reading itself is sound: another pattern is told.
    #expect(try await mismatch(bench, "drive1", 99, "0 64k") != nil)
    #expect(try await point.fleecedBytes() == [512 << 10, 512 << 10])
    #expect(point.disks.allSatisfy { $0.image.storedBytes >= 256 << 10 })
    let outcome = await point.takeDown()
    #expect(outcome.isClean && outcome.hasStoppedNBD && outcome.left.isEmpty, "\(outcome)")
    #expect(try await bench.graph() == before)
    #expect(try bench.files.bytes("b.raw").prefix(600 << 10).count { $0 == 99 } == 512 << 10)
  }

  @Test func `a second job begins where the first has ended`() async throws {
    let bench = try await Bench()
    let before = try await bench.graph()
    for id in ["0000000a", "0000000b", "0000000a"] {
      let point = try await bench.point(id)
      try await point.prepare()
      _ = try await point.take()
      try await startNBD(point, bench)
      try await point.stopNBD()
      for number in 0...1 {
        let listener = try bench.listener("v\(number)")
        try await point.exportVhostUser(number, listener: listener.raw)
      }
      #expect(await point.takeDown().isClean)
      #expect(try await bench.graph() == before)
    }
  }

  @Test func `disks on I/O threads, flash and a guest that stands still are all taken`()
    async throws
  {
    let bench = try await Bench(
      [
        "-machine", "pc", "-object", "iothread,id=io0",
        "-blockdev", "driver=qcow2,node-name=n0,file.driver=file,file.filename=a.qcow2",
        "-device", "virtio-blk-pci,drive=n0,id=disk0,iothread=io0",
        "-blockdev", "driver=file,node-name=n1,filename=b.raw",
        "-device", "virtio-blk-pci,drive=n1,id=disk1",
        "-drive", "if=pflash,unit=0,format=raw,file=code.fd,readonly=on",
        "-drive", "if=pflash,unit=1,format=raw,file=vars.fd",
      ], runs: false, prepare: "truncate -s 3653632 code.fd; truncate -s 540672 vars.fd")
    let before = try await bench.graph()
    let point = try await bench.point("00000002")
    #expect(Set(point.disks.map(\.name)) == ["disk0", "disk1", "pflash1"])
    try await point.prepare()
    _ = try await point.take()
    for number in point.disks.indices {
      let listener = try bench.listener("v\(number)")
      try await point.exportVhostUser(number, listener: listener.raw)
    }
    #expect(await point.takeDown().isClean)
    // Descriptors stay until the guest runs: emptied, and the next job is not disturbed.
    #expect(point.disks.allSatisfy { $0.image.storedBytes == 0 })
    #expect(try await MarkedThings.find(bench.client, of: nil, seconds: 5).isEmpty)
    let second = try await bench.point("00000003")
    try await second.prepare()
    _ = try await second.take()
    #expect(await second.takeDown().isClean)
    let without = { (graph: String) in graph.split(separator: "\n").dropLast() }
    #expect(without(try await bench.graph()) == without(before))
    #expect(try await bench.runState() == "prelaunch")
  }

  @Test func `another job in the way is named, and nothing has begun`() async throws {
    let bench = try await Bench()
    try await bench.files.shell("truncate -s 16M mirror.raw")
    _ = try await bench.client.execute(
      "blockdev-add", ["driver": "file", "node-name": "m", "filename": "mirror.raw"])
    _ = try await bench.client.execute(
      "blockdev-mirror", ["job-id": "moving", "device": "n0", "target": "m", "sync": "full"])
    let nodes = try await bench.graph().split(separator: "\n").filter { $0.hasPrefix("{") }
    let point = try await bench.point("00000004")
    try await point.prepare()
    do throws(ControlError) {
      _ = try await point.take()
      Issue.record("it was taken")
    } catch {
      guard case .busy("disk0", ["moving"], _) = error else {
        Issue.record("\(error)")
        return
      }
      #expect("\(error)".hasPrefix("disk0 is in use by QEMU job moving; wait until that ends"))
    }
    #expect(await point.takeDown().isClean)
    #expect(try await bench.graph().split(separator: "\n").filter { $0.hasPrefix("{") } == nodes)
    #expect(try await bench.client.execute("query-jobs").array?.count == 1)
  }

  @Test func `somebody else's NBD server is left alone`() async throws {
    let bench = try await Bench()
    for hasExport in [false, true] {
      _ = try await bench.client.execute(
        "nbd-server-start",
        ["addr": ["type": "unix", "data": ["path": .string(bench.files.path("theirs"))]]])
      if hasExport {
        _ = try await bench.client.execute(
          "block-export-add", ["type": "nbd", "id": "theirs", "node-name": "n0", "name": "x"])
      }
      let journal = try bench.journal("00000005")
      let point = try await bench.point("00000005", journal: journal)
      try await point.prepare()
      _ = try await point.take()
      let listener = try bench.listener("nbd")
      await #expect(throws: ControlError.nbdServerInUse(words: "NBD server already running")) {
        try await point.startNBD(listener: listener.raw)
      }
      #expect(!journal.contents.ownsNBDServer)
      let outcome = await point.takeDown()
      #expect(outcome.isClean && !outcome.hasStoppedNBD)
      journal.remove()
      // Still there: it can be stopped.
      _ = try await bench.client.execute("nbd-server-stop")
    }
  }

  @Test func `behind the take-down nothing more goes into QEMU`() async throws {
    let bench = try await Bench()
    let before = try await bench.graph()
    let point = try await bench.point("00000006")
    async let preparing: Void = point.prepare()
    let outcome = await point.takeDown()
    #expect(outcome.isClean)
    do { try await preparing } catch { #expect(error as? ControlError == .ended) }
    await #expect(throws: ControlError.ended) { _ = try await point.take() }
    #expect(try await bench.graph() == before)
  }

  @Test func `whoever looks at QEMU meanwhile does no harm`() async throws {
    let bench = try await Bench(monitors: 2)
    let before = try await bench.graph()
    let other = try await bench.emulator.connect(1)
    let looking = Task {
      while !Task.isCancelled {
        for command in ["query-named-block-nodes", "query-block", "query-blockstats"] {
          _ = try await other.execute(command)
        }
      }
    }
    for round in 0..<20 {
      let point = try await bench.point("000000\(round + 10)")
      try await point.prepare()
      _ = try await point.take()
      for number in point.disks.indices {
        let listener = try bench.listener("v\(number)")
        try await point.exportVhostUser(number, listener: listener.raw)
      }
      #expect(await point.takeDown().isClean)
    }
    looking.cancel()
    try await looking.value
    #expect(try await bench.graph() == before)
  }

  @Test(arguments: [0, 512, 512 << 20, 512 << 20 + 512, 1 << 40, 1 << 51])
  func `an empty fleecing image is sound, and of the disk's size`(size: Int64) async throws {
    let files = try Scratch()
    try EmptyImage(size: size).write(
      to: try openFile(files.path("x"), flags: O_RDWR | O_CREAT, mode: 0o600), subject: "x")
    try await files.shell("qemu-img check -q x && qemu-img map --output=json x >map")
    let info = try JSONValue(
      parsing: Array(try await files.shell("qemu-img info --output=json x").utf8))
    #expect(info["format"] == "qcow2" && info["virtual-size"]?.integer == size)
    #expect(try files.text("map").contains("\"data\": true") == false)
  }

  @Test func `a fleecing image without enough free space is refused beforehand`() throws {
    let files = try Scratch()
    let directory = try FleecingDirectory(files.directory)
    let free = try directory.freeBytes()
    let most = FleecingImage.Wish(
      directory: directory, diskBytes: 1 << 30, wantedBytes: free / 4 * 3)
    #expect(throws: Never.self) { try FleecingImage.make([most]) }
    do throws(ControlError) {
      _ = try FleecingImage.make([most, most])
      Issue.record("there is room for both")
    } catch {
      guard case .fleecingSpace(files.directory, _, most.wantedBytes * 2) = error else {
        Issue.record("\(error)")
        return
      }
    }
    let reserved = FleecingImage.Wish(
      directory: directory, diskBytes: 1 << 30, wantedBytes: 8 << 20, reservation: .required)
    #expect(try FleecingImage.make([reserved])[0].storedBytes >= 8 << 20)
    #expect(try files.names() == [])
    #expect(throws: ControlError.self) { try FleecingDirectory(files.path("none")) }
  }

  @Test
  func `a fleecing image lies beside the disk's image, wherever a link points`() async throws {
    let files = try Scratch()
    try await files.shell("mkdir real state; truncate -s 1M real/d.raw; ln -s real/d.raw link.raw")
    let place = { (image: String?) throws(ControlError) in
      try FleecingPlace.directory(imageFile: image, state: files.path("state")).path
    }
    #expect(try place(files.path("link.raw")) == files.path("real"))
    for other in [nil, "/dev/null", files.path("none")] {
      #expect(try place(other) == files.path("state/fleece"))
    }
    #expect(try files.status("state/fleece").permissions == 0o700)
  }

  @Test(.enabled(if: geteuid() == 0, "only root can give a directory away"))
  func `a fleecing image does not follow a link that another user may have made`() async throws {
    let files = try Scratch()
    try await files.shell(
      """
      mkdir theirs private state; truncate -s 1M private/d.raw theirs/d.raw && \\
      ln -s ../private/d.raw theirs/file.raw && ln -s ../private theirs/way && \\
      chown -R -h 1234:1234 theirs && ln -s ../private/d.raw theirs/roots.raw
      """)
    let place = { (image: String) throws(ControlError) in
      try FleecingPlace.directory(imageFile: files.path(image), state: files.path("state")).path
    }
    for image in ["theirs/file.raw", "theirs/way/d.raw", "theirs/roots.raw"] {
      #expect(try place(image) == files.path("state/fleece"))
    }
    #expect(try place("theirs/d.raw") == files.path("theirs"))
  }

  @Test func `a fleecing image is created in its directory even if its path changes`()
    async throws
  {
    let files = try Scratch()
    try await files.shell("mkdir theirs private state; truncate -s 1M theirs/d.raw")
    let place = try FleecingPlace.directory(
      imageFile: files.path("theirs/d.raw"), state: files.path("state"))
    try await files.shell("mv theirs moved; ln -s private theirs")
    let wish = FleecingImage.Wish(directory: place, diskBytes: 1 << 20, wantedBytes: 1 << 20)
    let image = try FleecingImage.make([wish])[0]
    try await files.shell(
      "readlink /proc/\(getpid())/fd/\(image.rawDescriptor) > where")
    #expect(try files.text("where").hasPrefix(files.path("moved/")))
  }

  @Test func `a mark is known by its shape`() throws {
    let mark = try #require(JobMark(id: "0badcafe"))
    #expect(JobMark(markOf: "sluice-0badcafe-o0") == mark)
    #expect(JobMark(endOf: "sl-2026-0badcafe") == mark)
    for name in [
      "sluice-0badcafe", "sluice-0badcaf-o0", "sluice-0BADCAFE-o0", "sluice-vm", "o0", "",
      "Sluice-0badcafe-o0", "sluice-0badcafeo0",
    ] { #expect(JobMark(markOf: name) == nil) }
    let names = [mark.overlay(511), mark.file(511), mark.filter(511), mark.job(511)]
    #expect(names.allSatisfy { $0.utf8.count <= 31 })
  }
}
