import ArchiveBytes
import BackupProtocol
import CommandLine
import DiskFormats
import Glibc
import System

/// A file in memory.
final class MemorySource: RandomSource {
  let bytes: [UInt8]
  private(set) var position: UInt64 = 0
  private(set) var reads = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
    let done = try read(into: buffer, at: position)
    position += UInt64(done)
    return done
  }

  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(ArchiveError) -> Int {
    reads += 1
    guard offset < UInt64(bytes.count) else { return 0 }
    let part = bytes[Int(offset)...].prefix(buffer.count)
    buffer.copyBytes(from: part)
    return part.count
  }

  func skip(_ count: Int) throws(ArchiveError) -> Int {
    let done = min(count, bytes.count - Int(position))
    position += UInt64(done)
    return done
  }

  var window: SourceWindow { SourceWindow(self, start: 0, byteCount: UInt64(bytes.count)) }
}

/// A disk in memory; longer ones than 64 MiB are only counted.
final class MemorySink: ClusterSink {
  private(set) var bytes: [UInt8] = []
  private(set) var byteCount: UInt64 = 0
  private(set) var dataBytes: UInt64 = 0
  let pieceBytesMax = 1 << 20
  private let keeps: Bool

  /// - Parameter keeps: Whether the bytes are wanted, or only their number.
  init(keeps: Bool = true) { self.keeps = keeps }

  /// Whether it got exactly these bytes. An unoptimised `==` takes seconds.
  func holds(_ other: [UInt8]) -> Bool {
    bytes.count == other.count && (other.isEmpty || memcmp(bytes, other, other.count) == 0)
  }

  func zeros(_ count: UInt64, _ kind: Extent.Kind) throws(ArchiveError) {
    byteCount += count
    if keeps && byteCount <= 64 << 20 { bytes += [UInt8](repeating: 0, count: Int(count)) }
  }

  func data(
    _ count: Int, masks: Span<BlockMask>,
    _ fill: (inout MutableRawSpan) throws(ArchiveError) -> Void
  ) throws(ArchiveError) {
    var piece = [UInt8](repeating: 0xEE, count: count)
    var whole = piece.mutableSpan
    var span = whole.mutableBytes
    try fill(&span)
    byteCount += UInt64(count)
    dataBytes += UInt64(count)
    if keeps && byteCount <= 64 << 20 { bytes += piece }
  }
}

/// A whole stream-optimised VMDK of a disk.
///
/// - Parameter chosen: Grains to write; those that are not zeros if it is `nil`.
func vmdk(_ disk: [UInt8], level: Int, chosen: ClusterRuns? = nil) throws -> [UInt8] {
  var encoder = try VMDKEncoder(
    name: "disk.vmdk", capacityBytes: UInt64(disk.count), contentID: 0x1234)
  let codec = GrainCodec(level: level)!
  var file = encoder.start()
  var record = [UInt8](repeating: 0, count: VMDKLayout.recordBytesMax)
  for number in 0..<UInt64((disk.count + 65535) / 65536) {
    var grain = Array(disk[Int(number << 16)...].prefix(65536))
    grain += [UInt8](repeating: 0, count: 65536 - grain.count)
    if let chosen {
      guard chosen.ranges.contains(where: { $0.contains(number) }) else { continue }
    } else if grain.withUnsafeBytes({ areZeros($0) }) {
      continue
    }
    let count = grain.withUnsafeBytes { grain in
      record.withUnsafeMutableBytes { codec.encode(grain, number: number, into: $0) }
    }
    file += encoder.beforeGrain(number)
    try encoder.add(grain: number, recordBytes: count)
    file += record[..<count]
  }
  file += encoder.finish()
  guard UInt64(file.count) == encoder.byteCount else {
    throw ArchiveError(.internal, "\(file.count) bytes, the encoder says \(encoder.byteCount)")
  }
  return file
}

/// A whole qcow2 image of a disk.
func qcow2(_ disk: [UInt8], _ runs: ClusterRuns) throws -> [UInt8] {
  let layout = try QCOW2Layout(capacityBytes: UInt64(disk.count), runs: runs)
  var file: [UInt8] = []
  layout.metadata { file += $0 }
  guard UInt64(file.count) == layout.metadataBytes else {
    throw ArchiveError(.internal, "\(file.count) bytes of metadata, not \(layout.metadataBytes)")
  }
  for range in runs.ranges {
    for number in range {
      let cluster = disk[Int(number << 16)...].prefix(65536)
      file += cluster + [UInt8](repeating: 0, count: 65536 - cluster.count)
    }
  }
  guard UInt64(file.count) == layout.byteCount else {
    throw ArchiveError(.internal, "\(file.count) bytes, the layout says \(layout.byteCount)")
  }
  return file
}

/// What a reader makes of a file.
func streamed(_ file: [UInt8], keeps: Bool = true) throws -> MemorySink {
  let sink = MemorySink(keeps: keeps)
  try VMDKStreamReader(MemorySource(file)).read(to: sink)
  return sink
}

func tabled(_ file: [UInt8], keeps: Bool = true) throws -> MemorySink {
  let sink = MemorySink(keeps: keeps)
  try VMDKTableReader(MemorySource(file).window).read(to: sink)
  return sink
}

func clustered(_ file: [UInt8], keeps: Bool = true) throws -> MemorySink {
  let sink = MemorySink(keeps: keeps)
  try QCOW2Reader(MemorySource(file).window).read(to: sink)
  return sink
}

/// A file on a disk.
final class FileBytes: RandomSource {
  private let file: OwnedDescriptor
  private let byteCount: UInt64
  private(set) var position: UInt64 = 0

  init(_ place: Scratch, _ name: String) throws {
    file = try openFile(name, in: place.descriptor.raw, flags: O_RDONLY)
    byteCount = UInt64(try FileStatus(descriptor: file.raw, subject: name).size)
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
    let done = try read(into: buffer, at: position)
    position += UInt64(done)
    return done
  }

  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(ArchiveError) -> Int {
    let done = pread(file.raw, buffer.baseAddress, buffer.count, Int(offset))
    guard done >= 0 else { throw ArchiveError(.io, "reading failed") }
    return done
  }

  func skip(_ count: Int) throws(ArchiveError) -> Int {
    let done = min(UInt64(count), byteCount - position)
    position += done
    return Int(done)
  }

  var window: SourceWindow { SourceWindow(self, start: 0, byteCount: byteCount) }
}
