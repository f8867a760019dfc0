import ArchiveBytes
import BackupProtocol
import FuzzInput
import VMAFormat

/// Called by libFuzzer with every input it makes: an archive without its zeros; see ``Archive``.
///
/// What must hold for any bytes: reading ends without a trap; an archive that can be read at any
/// place and one that comes once give the same bytes, or both fail; what is delivered is whole.
/// Ranges of an archive that can be read are what it gives, whatever was asked for before. A
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
  readRanges(header, source, of: file)
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

/// The end of each device, then its two halves.
private func readRanges(_ header: ArchiveHeader, _ source: MemorySource, of reading: Reading) {
  let ranges = ArchiveRanges(header, source)
  do throws(ArchiveError) {
    for device in header.devices.reversed() {
      let last = (device.size - 1) / 65536 * 65536
      _ = try delivered(device, [last..<device.size], by: ranges)
    }
    for (index, device) in header.devices.enumerated() {
      let half = device.size / 2 / 65536 * 65536
      let bytes = try delivered(device, [0..<half, half..<device.size], by: ranges)
      precondition(bytes[0] == device.size, "ranges are not whole")
      guard reading.code == .none else { continue }
      precondition(bytes == reading.devices[index], "ranges are not what is there")
    }
  } catch {
    check(error)
    precondition(reading.code != .none, "ranges fail where a reader does not")
  }
}

private func delivered(
  _ device: ArchiveHeader.Device, _ parts: [Range<UInt64>], by ranges: ArchiveRanges
) throws(ArchiveError) -> [UInt64] {
  var (sum, count): (UInt64, UInt64) = (0, 0)
  for part in parts where !part.isEmpty {
    var start: () -> UInt64 = { 0 }
    let sink = CheckingSink { piece, masks in add(piece, masks, at: start(), to: &sum) }
    start = { [unowned sink] in part.lowerBound + sink.byteCount }
    try ranges.read(device, part, to: sink)
    count += sink.byteCount
  }
  return [count, sum]
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
    add(piece, masks, at: start(), to: &sum)
  }
  start = { [unowned sink] in sink.byteCount }
  try pass.deliver(device, to: sink)
  lost?.pointee = sink.lostBytes
  return [sink.byteCount, sum]
}

private func add(
  _ piece: UnsafeRawBufferPointer, _ masks: borrowing Span<BlockMask>, at offset: UInt64,
  to sum: inout UInt64
) {
  for block in 0..<(16 * masks.count) where masks[block >> 4][block & 15] {
    sum = sum &* 31 &+ UInt64(piece[block * 4096]) &+ offset / 4096 &+ UInt64(block)
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
