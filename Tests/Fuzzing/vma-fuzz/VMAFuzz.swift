import ArchiveBytes
import BackupProtocol
import FuzzInput
import VMAFormat

/// Called by libFuzzer with every input it makes: an archive without its zeros; see ``Archive``.
///
/// What must hold for any bytes: reading ends without a trap; an archive that can be read at any
/// place and one that comes once give the same bytes, or both fail; what is delivered is whole.
@c(LLVMFuzzerTestOneInput)
public func fuzzArchives(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let archive = Archive(UnsafeBufferPointer(start: data, count: count))
  archive.repair()
  let source = MemorySource(archive.bytes)
  guard let header = header(source) else { return 0 }
  let start = source.position
  let file = read(header, source, ArchivePlaces(source, header.identifier))
  source.position = start
  scratch.clear()
  let stream = read(header, source, KeptClusters(scratch: scratch, windowCount: 2))
  precondition(file == stream, "a file and a stream give different things")
  #if CANARY
  precondition(file.devices.isEmpty, "the canary: the fuzzer must notice this")
  #endif
  return 0
}

/// What came out of an archive.
private struct Reading: Equatable {
  var configBytes = 0
  /// Of each device: bytes, and a sum over them.
  var devices: [[UInt64]] = []
  var code = ErrorCode.none
}

/// The header, which is the same for files and streams; `nil` if there is none.
private func header(_ source: MemorySource) -> ArchiveHeader? {
  do throws(ArchiveError) { return try ArchiveHeader(reading: source) } catch {
    check(error)
    return nil
  }
}

private func read(
  _ header: ArchiveHeader, _ source: MemorySource, _ early: any EarlyPlace
) -> Reading {
  var reading = Reading()
  do throws(ArchiveError) {
    for config in header.configs { reading.configBytes += header.content(config).count }
    let pass = ArchivePass(header, source: source, early: early)
    for device in header.devices {
      let sink = CountingSink()
      try pass.deliver(device, to: sink)
      precondition(sink.byteCount == device.size, "a device is not whole")
      precondition(!pass.canDeliver(device), "a device is delivered twice")
      reading.devices.append([sink.byteCount, sink.sum])
    }
    try pass.drain()
  } catch {
    check(error)
    reading.code = error.code
  }
  return reading
}

private func check(_ error: ArchiveError) {
  precondition(!error.message.isEmpty && error.code != .none, "a failure without a word")
}

/// Counts what comes, and adds up the first bytes of each block that is not masked.
private final class CountingSink: ClusterSink {
  let pieceBytesMax = 4 * 65536
  private(set) var byteCount: UInt64 = 0
  private(set) var sum: UInt64 = 0
  // libFuzzer calls on one thread.
  nonisolated(unsafe) private static let memory = UnsafeMutableRawBufferPointer.allocate(
    byteCount: 4 * 65536, alignment: 4096)

  func zeros(_ count: UInt64) throws(ArchiveError) {
    precondition(count > 0 && byteCount % 65536 == 0, "zeros that are none, or inside a cluster")
    byteCount += count
  }

  func data(
    _ count: Int, masks: Span<UInt16>,
    _ fill: (inout MutableRawSpan) throws(ArchiveError) -> Void
  ) throws(ArchiveError) {
    precondition((1...pieceBytesMax).contains(count) && byteCount % 65536 == 0, "a bad piece")
    precondition(masks.count == (count + 65535) / 65536, "masks that do not fit")
    let piece = UnsafeMutableRawBufferPointer(rebasing: Self.memory[..<count])
    var span = MutableRawSpan(_unsafeBytes: piece)
    try fill(&span)
    for block in 0..<(16 * masks.count) where masks[block >> 4] & 1 << (block & 15) != 0 {
      precondition(block * 4096 < count, "a mask behind the end")
      sum = sum &* 31 &+ UInt64(piece[block * 4096]) &+ UInt64(block) &+ byteCount
    }
    byteCount += UInt64(count)
  }
}

// libFuzzer calls on one thread.
nonisolated(unsafe) private let scratch = MemoryScratch()

private final class MemoryScratch: ScratchFile {
  private var places: [UInt64: [UInt8]] = [:]

  func clear() { places.removeAll(keepingCapacity: true) }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(ArchiveError) {
    places[offset] = Array(bytes)
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(ArchiveError) {
    buffer.copyBytes(from: places[offset] ?? [])
  }
}
