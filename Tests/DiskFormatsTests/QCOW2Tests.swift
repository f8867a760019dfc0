import ArchiveBytes
import CommandLine
import DiskFormats
import Testing

@Suite(.inTurns) struct `A qcow2 image that is written` {
  @Test(arguments: Disk.all)
  func `is read again`(disk: Disk) throws {
    #expect(try clustered(try qcow2(disk.bytes, disk.runs)).holds(disk.bytes))
  }

  @Test(.enabled(if: Build.has("qemu-img"), "needs qemu-img"), arguments: Disk.all)
  func `is whole and the same disk to qemu-img`(disk: Disk) async throws {
    let scratch = try Scratch()
    try scratch.write("disk.raw", disk.bytes)
    try scratch.write("disk.qcow2", try qcow2(disk.bytes, disk.runs))
    let report = try await scratch.shell("qemu-img check -f qcow2 disk.qcow2")
    #expect(report.contains("No errors were found"))
    try await scratch.shell("qemu-img compare -f qcow2 -F raw disk.qcow2 disk.raw")
  }

  @Test func `has a size that is known before for disks of terabytes`() throws {
    var runs = ClusterRuns()
    for place in 0..<UInt64(100) { runs.append(bytes: (place << 35)..<((place << 35) + 70000)) }
    let layout = try QCOW2Layout(capacityBytes: 3 << 40, runs: runs)
    var count = 0
    layout.metadata { count += $0.count }
    #expect(UInt64(count) == layout.metadataBytes)
    #expect(layout.byteCount == layout.metadataBytes + 200 * 65536)
  }
}
