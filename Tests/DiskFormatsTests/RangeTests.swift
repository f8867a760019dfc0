import ArchiveBytes
import BackupProtocol
import CommandLine
import DiskFormats
import Testing

/// Parts of disks, in any order, are what a reading from the start gives there.
@Suite(.inTurns) struct `Ranges of a disk` {
  /// The ends, all, and every third cluster with some of the next ones.
  private static func ranges(_ size: Int) -> [Range<Int>] {
    let clusters = (size + 65535) / 65536
    let some = stride(from: clusters - 1, through: 0, by: -3).map { $0..<min(clusters, $0 + 5) }
    return ([0..<1, clusters - 1..<clusters, 0..<clusters] + some).map {
      $0.lowerBound * 65536..<min(size, $0.upperBound * 65536)
    }
  }

  private func expectRanges(_ reader: any DiskReader, of bytes: [UInt8]) throws {
    for range in Self.ranges(bytes.count) {
      let sink = MemorySink()
      try reader.read(UInt64(range.lowerBound)..<UInt64(range.upperBound), to: sink)
      #expect(sink.holds(Array(bytes[range])), "\(range)")
    }
  }

  @Test(arguments: Disk.all)
  func `are read by the tables of images, and of a raw disk anywhere`(disk: Disk) throws {
    let bytes = disk.bytes
    for level in [0, 6] {
      let file = MemorySource(try vmdk(bytes, level: level))
      try expectRanges(try VMDKTableReader(file.window), of: bytes)
    }
    try expectRanges(
      try QCOW2Reader(MemorySource(try qcow2(bytes, disk.runs)).window), of: bytes)
    try expectRanges(
      FlatReader(MemorySource(bytes).window, capacityBytes: UInt64(bytes.count)), of: bytes)
  }

  @Test(
    .enabled(if: Build.has("qemu-img"), "needs qemu-img"),
    arguments: Disk.all, ["vmdk", "vmdk -o subformat=streamOptimized", "qcow2 -c"])
  func `are read of an image of qemu-img`(disk: Disk, how: String) async throws {
    let scratch = try Scratch()
    try scratch.write("disk.raw", disk.bytes)
    try await scratch.shell("qemu-img convert -f raw -O \(how) disk.raw image")
    let window = MemorySource(try scratch.bytes("image")).window
    let reader: any DiskReader =
      how.hasPrefix("vmdk") ? try VMDKTableReader(window) : try QCOW2Reader(window)
    try expectRanges(reader, of: disk.bytes)
  }

  @Test func `are read of a VMDK whose parts end anywhere in a cluster`() throws {
    let sectors = [100, 517, 33, 1200, 1]
    var (bytes, files): ([UInt8], [String: [UInt8]]) = ([], [:])
    var lines = "# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\n"
    for (number, count) in sectors.enumerated() {
      let part =
        number == 2
        ? [UInt8](repeating: 0, count: count * 512)
        : noise(count * 512, seed: UInt64(number)) { $0 % 4 == 2 }
      bytes += part
      switch number {
      case 1: (files["s"], lines) = (try vmdk(part, level: 1), lines + "RW \(count) SPARSE \"s\"\n")
      case 2: lines += "RW \(count) ZERO\n"
      default:
        files["f\(number)"] = noise(1024, seed: 9) + part
        lines += "RW \(count) FLAT \"f\(number)\" 2\n"
      }
    }
    let reader = try VMDKExtentsReader(VMDKDescriptor(parsing: Array(lines.utf8))) { name in
      MemorySource(files[name] ?? []).window
    }
    #expect(reader.capacityBytes == UInt64(bytes.count))
    try expectRanges(reader, of: bytes)
    let whole = MemorySink()
    try reader.read(to: whole)
    #expect(whole.holds(bytes))
  }

  @Test func `are refused of what only goes forward`() throws {
    let file = try vmdk(noise(1 << 20, seed: 1), level: 1)
    let error = #expect(throws: ArchiveError.self) {
      try VMDKStreamReader(MemorySource(file)).read(0..<65536, to: MemorySink())
    }
    #expect(error?.code == .unsupported)
  }

  @Test func `that are damaged fail, and others do not`() throws {
    let bytes = noise(4 << 20, seed: 1)
    var file = try vmdk(bytes, level: 1)
    // A byte in the middle of the file, of some grain.
    let place = file.count / 2
    for offset in 0..<512 { file[place + offset] ^= 0x55 }
    var failures = 0
    for cluster in UInt64(0)..<64 {
      let (reader, sink) = (try VMDKTableReader(MemorySource(file).window), MemorySink())
      do throws(ArchiveError) {
        try reader.read(cluster << 16..<(cluster + 1) << 16, to: sink)
        let isRight = sink.holds(Array(bytes[Int(cluster << 16)..<Int((cluster + 1) << 16)]))
        // Stored grains have no sum of their own.
        if !isRight { failures += 1 }
      } catch {
        #expect(error.code == .corrupt)
        failures += 1
      }
    }
    #expect(failures == 1 || failures == 2)
  }
}
