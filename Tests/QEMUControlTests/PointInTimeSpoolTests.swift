import CommandLine
import Glibc
import JSON
import System
import Testing

@testable import QEMUControl

/// Disks that QEMU copies as they were at the instant.
@Suite(.alone, .enabled(if: Emulator.isThere, Emulator.missing)) struct PointInTimeSpoolTests {
  private static let slow = PointInTime.Method.spool(
    bytesPerSecond: 8 << 20, boundsWorkers: true)

  private func copied(_ point: PointInTime) async throws {
    let deadline = MonotonicTime.now.advanced(bySeconds: 30)
    while try await !point.copyProgress().isComplete {
      try #require(MonotonicTime.now < deadline, "it copies for ever")
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  /// Compares a spool with a pattern, through the file that QEMU no longer has.
  private func mismatch(
    _ image: FleecingImage, _ bench: Bench, _ pattern: Int, _ range: String
  ) async throws -> String? {
    let said = try await bench.files.shell(
      "cat /proc/\(getpid())/fd/\(image.rawDescriptor) >spool; "
        + "qemu-io -r -f qcow2 -c 'read -P \(pattern) \(range)' spool || true")
    return said.contains("ops;") && !said.contains("failed") ? nil : said
  }

  @Test func `what the guest writes behind the instant is not in the spool`() async throws {
    let bench = try await Bench()
    let before = try await bench.graph()
    for disk in 0...1 { try await bench.write(17, to: disk, "0 4M") }
    let point = try await bench.point("00000001", method: Self.slow)
    try await point.prepare()
    _ = try await point.take()
    for disk in 0...1 { try await bench.write(99, to: disk, "3M 2M") }
    #expect(try await point.isKept() == false)
    try await copied(point)
    #expect(try await point.isKept())
    let outcome = await point.takeDown(keepsContents: true)
    #expect(outcome.isClean, "\(outcome)")
    #expect(try await bench.graph() == before)
    for disk in point.disks {
      #expect(try await mismatch(disk.image, bench, 17, "0 4M") == nil)
      #expect(try await mismatch(disk.image, bench, 0, "4M 1M") == nil)
      disk.image.empty()
      #expect(disk.image.storedBytes == 0)
    }
  }

  @Test func `holes pass quickly, and data at the pace that was asked for`() {
    var pace = SpoolPace(limit: 100)
    var speeds: [Int64] = []
    // Between half of it and all of it the speed is right as it is.
    for grown: Int64 in [2, 2, 2, 8, 30, 30, 0] {
      let before = pace.speed
      let isChanged = pace.look(grown: grown, seconds: 0.1)
      #expect(isChanged == (pace.speed != before))
      speeds.append(pace.speed)
    }
    #expect(speeds == [200, 400, 800, 800, 100, 100, 200])
    for _ in 0..<100 { _ = pace.look(grown: 0, seconds: 1) }
    #expect(pace.speed == 1 << 40)
  }

  @Test func `a spool of a large empty disk has room for its tables`() async throws {
    let bench = try await Bench(
      [
        "-machine", "pc", "-blockdev", "driver=file,node-name=n0,filename=large.raw",
        "-device", "virtio-blk-pci,drive=n0,id=disk0",
      ], prepare: "truncate -s 200G large.raw")
    let point = try await bench.point(
      "00000004", method: .spool(bytesPerSecond: 1 << 40, boundsWorkers: true))
    try await point.prepare()
    _ = try await point.take()
    try await copied(point)
    #expect(await point.takeDown(keepsContents: true).isClean)
    let disk = try #require(point.disks.first)
    let wanted = FleecingImage.spoolBytes(forBytes: 0, ofDisk: disk.size)
    #expect(disk.image.fileBytes > 20 << 20 && disk.image.fileBytes < wanted)
    disk.image.empty()
  }

  @Test func `a spool that nobody wants is emptied by the take-down`() async throws {
    let bench = try await Bench()
    let before = try await bench.graph()
    try await bench.write(17, to: 0, "0 4M")
    let point = try await bench.point("00000002", method: Self.slow)
    try await point.prepare()
    _ = try await point.take()
    try await Task.sleep(for: .milliseconds(300))
    #expect(await point.takeDown().isClean)
    #expect(try await bench.graph() == before)
    for disk in point.disks { #expect(disk.image.storedBytes == 0) }
  }

  @Test func `a copy that is cancelled is never taken for a whole one`() async throws {
    let bench = try await Bench()
    try await bench.write(17, to: 0, "0 8M")
    let point = try await bench.point("00000003", method: Self.slow)
    try await point.prepare()
    _ = try await point.take()
    _ = try await bench.client.execute("job-cancel", ["id": .string(point.mark.job(1))])
    await #expect(throws: ControlError.self) { try await self.copied(point) }
    await #expect(throws: ControlError.self) { try await point.isKept() }
    #expect(await point.takeDown().isClean)
  }

  @Test(arguments: [
    (#"{"id":"j","status":"running"}"#, "underWay"), (#"{"id":"j","status":"paused"}"#, "underWay"),
    (#"{"id":"j","status":"concluded"}"#, "complete"),
    (#"{"id":"j","status":"concluded","error":"no space"}"#, "no space"),
    (#"{"id":"j","status":"aborting"}"#, "underWay"), (#"{"id":"j"}"#, "no status"),
    ("[]", "gone"),
  ])
  func `only a job that concluded without an error has copied all`(
    job: String, state: String
  ) throws {
    let value = try JSONValue(parsing: Array(job.utf8))
    let found = "\(CopyState(value.array == nil ? value : JSONValue?.none))"
    #expect(found.contains(state), "\(found)")
  }
}
