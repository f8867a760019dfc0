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
      let bytes = try delivered(device, by: pass)
      precondition(bytes[0] == device.size, "a device is not whole")
      precondition(!pass.canDeliver(device), "a device is delivered twice")
      reading.devices.append(bytes)
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

/// Of a device: its bytes, and a sum over the first bytes of each block that is not masked.
private func delivered(
  _ device: ArchiveHeader.Device, by pass: ArchivePass
) throws(ArchiveError) -> [UInt64] {
  var (sum, offset): (UInt64, UInt64) = (0, 0)
  let sink = CheckingSink { piece, masks in
    for block in 0..<(16 * masks.count) where masks[block >> 4] & 1 << (block & 15) != 0 {
      sum = sum &* 31 &+ UInt64(piece[block * 4096]) &+ UInt64(block) &+ offset
    }
    offset += UInt64(piece.count)
  }
  try pass.deliver(device, to: sink)
  return [sink.byteCount, sum]
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
