import ArchiveBytes
import BackupProtocol
import FuzzInput
import VMAFormat

/// Called by libFuzzer with every input it makes: an archive without its zeros; see ``Archive``.
///
/// What must hold for any bytes: reading ends without a trap; an archive that can be read at any
/// place and one that comes once give the same bytes, or both fail; what is delivered is whole. A
/// salvage delivers each device to its end, lost or not, and of what can be read it loses nothing.
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
  source.position = start
  salvage(header, source, of: file)
  source.position = start
  let place = start + UInt64(count) * 977 % UInt64(max(1, archive.bytes.count))
  salvage(header, BadSector(source, at: place), of: Reading(code: .io))
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

private func salvage(_ header: ArchiveHeader, _ source: any RandomSource, of reading: Reading) {
  let pass = ArchivePass(
    header, source: source, early: ArchivePlaces(source, header.identifier), salvages: true)
  do throws(ArchiveError) {
    for (index, device) in header.devices.enumerated() {
      var lost: UInt64 = 0
      let bytes = try delivered(device, by: pass, lost: &lost)
      precondition(bytes[0] == device.size, "a device is not salvaged to its end")
      guard reading.code == .none else { continue }
      precondition(lost == 0 && bytes == reading.devices[index], "a salvage lost what is there")
    }
    try pass.endSalvage()
  } catch {
    check(error)
    precondition(reading.code != .none, "a salvage fails where a reader does not")
  }
}

private func check(_ error: ArchiveError) {
  precondition(!error.message.isEmpty && error.code != .none, "a failure without a word")
}

/// Of a device: its bytes, and a sum over the first bytes of each block that is not masked, however
/// they were cut into pieces.
private func delivered(
  _ device: ArchiveHeader.Device, by pass: ArchivePass, lost: UnsafeMutablePointer<UInt64>? = nil
) throws(ArchiveError) -> [UInt64] {
  var sum: UInt64 = 0
  var start: () -> UInt64 = { 0 }
  let sink = CheckingSink(keepsDamage: lost != nil) { piece, masks in
    let first = start() / 4096
    for block in 0..<(16 * masks.count) where masks[block >> 4][block & 15] {
      sum = sum &* 31 &+ UInt64(piece[block * 4096]) &+ first &+ UInt64(block)
    }
  }
  start = { [unowned sink] in sink.byteCount }
  try pass.deliver(device, to: sink)
  lost?.pointee = sink.lostBytes
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
