import ArchiveBytes
import BackupProtocol
import CommandLine
import DiskFormats
import Testing

@Suite(.inTurns) struct `A VMDK that is written` {
  @Test(arguments: Disk.all, [0, 1, 6])
  func `is read again by its markers and by its tables`(disk: Disk, level: Int) throws {
    let file = try vmdk(disk.bytes, level: level)
    #expect(try streamed(file).holds(disk.bytes))
    #expect(try tabled(file).holds(disk.bytes))
  }

  @Test(arguments: Disk.all)
  func `has the size that was said before if its grains are stored`(disk: Disk) throws {
    let file = try vmdk(disk.bytes, level: 0, chosen: disk.runs)
    let size = try VMDKLayout.storedBytes(
      capacityBytes: UInt64(disk.bytes.count), grains: disk.runs)
    #expect(UInt64(file.count) == size)
    #expect(try streamed(file).holds(disk.bytes))
  }

  @Test(arguments: Grain.all)
  func `stores noise and deflates all else`(grain: Grain) throws {
    let stored = try vmdk(grain.bytes, level: 0).count
    let fast = try vmdk(grain.bytes, level: 1)
    #expect((fast.count < stored) == grain.isDeflated)
    #expect(try streamed(fast).holds(grain.bytes))
    #expect(try vmdk(grain.bytes, level: 6).count <= stored)
  }

  @Test(.enabled(if: Build.has("qemu-img"), "needs qemu-img"), arguments: Disk.all, [0, 1, 9])
  func `is the same disk to qemu-img`(disk: Disk, level: Int) async throws {
    let scratch = try Scratch()
    try scratch.write("disk.raw", disk.bytes)
    try scratch.write("disk.vmdk", try vmdk(disk.bytes, level: level))
    try await scratch.shell(
      "qemu-img compare -f vmdk -F raw disk.vmdk disk.raw"
        + " && qemu-img info -f vmdk --output=json disk.vmdk")
    try await scratch.shell("qemu-img convert -f vmdk -O raw disk.vmdk out && cmp out disk.raw")
  }

  @Test(.enabled(if: Build.has("7z"), "needs 7z of p7zip-full"), arguments: Disk.all)
  func `is the same disk to 7z`(disk: Disk) async throws {
    let scratch = try Scratch()
    try scratch.write("disk.raw", disk.bytes)
    try scratch.write("disk.vmdk", try vmdk(disk.bytes, level: 1))
    try await scratch.shell("7z t disk.vmdk && 7z e -so disk.vmdk > out 2>log && cmp out disk.raw")
  }

  @Test func `may not grow to two tebibytes`() throws {
    var encoder = try VMDKEncoder(name: "d.vmdk", capacityBytes: 4 << 40, contentID: 1)
    _ = encoder.start()
    let error = #expect(throws: ArchiveError.self) {
      // A record of 1 GiB stands for many.
      for grain in 0..<UInt64(4096) {
        _ = encoder.beforeGrain(grain)
        try encoder.add(grain: grain, recordBytes: 1 << 30)
      }
    }
    #expect(error?.code == .tooLarge)
    #expect(encoder.byteCount < 2 << 40)
    _ = encoder.finish()
    #expect(encoder.byteCount < 2 << 40)
    var runs = ClusterRuns()
    runs.append(bytes: 0..<(2 << 40))
    let early = #expect(throws: ArchiveError.self) {
      try VMDKLayout.storedBytes(capacityBytes: 4 << 40, grains: runs)
    }
    #expect(early?.code == .tooLarge)
  }

  @Test(arguments: [0, 513, (62 << 40) + 512] as [UInt64])
  func `is refused for disks that it cannot hold`(size: UInt64) {
    #expect(throws: ArchiveError.self) {
      try VMDKEncoder(name: "d.vmdk", capacityBytes: size, contentID: 1)
    }
  }
}
