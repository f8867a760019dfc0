import ArchiveBytes
import BackupProtocol
import CommandLine
import DiskFormats
import Testing

@Suite struct `A damaged image` {
  private static let disk = Disk(
    "small", 300 << 10, [(0, Disk.text(70000)), (200 << 10, noise(5000, seed: 1))])

  /// Every byte of the metadata, and some of the data, as something else.
  @Test(arguments: [0, 1])
  func `is read or refused but never traps if it is a VMDK`(level: Int) throws {
    let file = try vmdk(Self.disk.bytes, level: level)
    for place in places(file.count) {
      for value: UInt8 in [0x01, 0x80, 0xFF] {
        var bytes = file
        bytes[place] ^= value
        expectBounded { try streamed(bytes, keeps: false) }
        expectBounded { try tabled(bytes, keeps: false) }
      }
    }
  }

  @Test func `is read or refused but never traps if it is a qcow2 image`() throws {
    let file = try qcow2(Self.disk.bytes, Self.disk.runs)
    for place in places(112) + places(file.count).filter({ $0 > 65536 * 3 }) {
      for value: UInt8 in [0x01, 0x80, 0xFF] {
        var bytes = file
        bytes[place] ^= value
        expectBounded { try clustered(bytes, keeps: false) }
      }
    }
  }

  @Test(arguments: [0, 1, 511, 512, 65535, 65536, 70000, 80_000])
  func `is refused if it ends early`(count: Int) throws {
    let file = Array(try vmdk(Self.disk.bytes, level: 1).prefix(count))
    #expect(throws: ArchiveError.self) { try streamed(file) }
    #expect(throws: ArchiveError.self) { try tabled(file) }
    let image = Array(try qcow2(Self.disk.bytes, Self.disk.runs).prefix(count))
    #expect(throws: ArchiveError.self) { try clustered(image) }
  }

  /// Every cluster of such an image is compressed; the last thing in it are clusters.
  @Test(.enabled(if: Build.has("qemu-img"), "needs qemu-img"))
  func `is read or refused but never traps if its clusters are zstd`() async throws {
    let scratch = try Scratch()
    try scratch.write("disk.raw", Self.disk.bytes)
    try await scratch.shell("qemu-img convert -c -O qcow2 -o compression_type=zstd disk.raw image")
    let file = try scratch.bytes("image")
    for place in Array(100..<112) + Array(stride(from: 65536 * 3, to: file.count, by: 41)) {
      for value: UInt8 in [0x01, 0x80, 0xFF] {
        var bytes = file
        bytes[place] ^= value
        expectBounded { try clustered(bytes, keeps: false) }
      }
    }
  }

  @Test func `gives no more than the disk it declares`() throws {
    // The same grain again and again would be more than the disk: it does not ascend.
    let file = try vmdk([UInt8](repeating: 7, count: 65536), level: 9)
    var bytes = file
    for _ in 0..<1000 { bytes.insert(contentsOf: file[65536..<66048], at: 66048) }
    let error = #expect(throws: ArchiveError.self) { try streamed(bytes) }
    #expect(error?.code == .unsupported)
  }

  private func places(_ count: Int) -> [Int] {
    Array(0..<min(count, 600)) + Array(stride(from: 600, to: count, by: 997))
  }

  private func expectBounded(_ body: () throws -> MemorySink) {
    do {
      let sink = try body()
      #expect(sink.dataBytes <= UInt64(1 << 30))
    } catch {
      #expect(error is ArchiveError)
    }
  }

  @Test func `is refused from 2^53 bytes on, which no stream has`() throws {
    func number(_ value: UInt64) -> [UInt8] { (0..<8).map { UInt8(value >> (56 - 8 * $0) & 255) } }
    var sparse = Array(try vmdk([UInt8](repeating: 0, count: 512), level: 0)[..<512])
    sparse.replaceSubrange(12..<20, with: number((1 << 44) - 1).reversed())
    #expect(try VMDKHeader(parsing: sparse).capacityBytes == (1 << 53) - 512)
    sparse.replaceSubrange(12..<20, with: number(1 << 44).reversed())
    #expect(throws: ArchiveError.self) { try VMDKHeader(parsing: sparse) }

    // 2^14 entries of L1, each of 2^39 bytes, at the start of the file.
    var clusters = Array(try qcow2([UInt8](repeating: 0, count: 512), ClusterRuns())[..<112])
    clusters.replaceSubrange(20..<24, with: [0, 0, 0, 21])
    clusters.replaceSubrange(36..<48, with: [0, 0, 0x40, 0] + number(0))
    clusters.replaceSubrange(24..<32, with: number((1 << 53) - 512))
    #expect(try QCOW2Header(parsing: clusters).capacityBytes == (1 << 53) - 512)
    clusters.replaceSubrange(24..<32, with: number(1 << 53))
    #expect(throws: ArchiveError.self) { try QCOW2Header(parsing: clusters) }

    func text(_ sectors: UInt64) -> [UInt8] { Array("RW 1 ZERO\nRW \(sectors) ZERO\n".utf8) }
    #expect(try VMDKDescriptor(parsing: text((1 << 44) - 2)).capacityBytes == (1 << 53) - 512)
    #expect(throws: ArchiveError.self) { try VMDKDescriptor(parsing: text((1 << 44) - 1)) }
  }

  /// 2^22 entries of L1, each of 32 KiB, in a file that ends before them: told one by one they
  /// would keep a salvage busy for minutes.
  @Test func `is salvaged in few steps if its L1 table is not there`() throws {
    func number(_ value: UInt64) -> [UInt8] { (0..<8).map { UInt8(value >> (56 - 8 * $0) & 255) } }
    var image = Array(try qcow2([UInt8](repeating: 0, count: 512), ClusterRuns())[..<512])
    image.replaceSubrange(20..<32, with: [0, 0, 0, 9] + number(1 << 37))
    image.replaceSubrange(36..<48, with: [0, 0x40, 0, 0] + number(1024))
    let (source, sink) = (MemorySource(image), DamageSink())
    // A file that says that it is longer than it is.
    let window = SourceWindow(source, start: 0, byteCount: 1 << 30)
    try QCOW2Reader(window, salvages: true).read(to: sink)
    #expect(sink.lostBytes == 1 << 37)
    #expect(source.reads < 1 << 14, "\(source.reads) reads")
  }
}

/// Counts what is lost.
private final class DamageSink: ClusterSink {
  private(set) var lostBytes: UInt64 = 0
  let pieceBytesMax = 1 << 20

  func damaged(_ count: UInt64, _ reason: String) throws(ArchiveError) { lostBytes += count }
  func zeros(_ count: UInt64, _ kind: Extent.Kind) throws(ArchiveError) {}

  func data(
    _ count: Int, masks: Span<BlockMask>,
    _ fill: (inout MutableRawSpan) throws(ArchiveError) -> Void
  ) throws(ArchiveError) {}
}
