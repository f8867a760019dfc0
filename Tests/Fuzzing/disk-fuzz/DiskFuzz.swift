import ArchiveBytes
import BackupProtocol
import DiskFormats
import FuzzInput

/// Called by libFuzzer with every input it makes: a disk's file without its zeros; see ``Image``.
///
/// What must hold for any bytes: reading ends without a trap, in time and memory that the file's
/// own size bounds; a disk that can be read has as many bytes as its header says; one that cannot
/// never delivers more.
@c(LLVMFuzzerTestOneInput)
public func fuzzDisks(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let image = Image(UnsafeBufferPointer(start: data, count: count))
  do throws(ArchiveError) { try read(image) } catch {
    precondition(!error.message.isEmpty && error.code != .none, "a failure without a word")
  }
  return 0
}

private func read(_ image: Image) throws(ArchiveError) {
  let window = SourceWindow(
    MemorySource(image.bytes), start: 0, byteCount: UInt64(image.bytes.count))
  switch image.reader {
  case .stream:
    let reader = try VMDKStreamReader(window)
    try deliver(reader)
    precondition(window.position <= window.byteCount, "a disk goes on behind its file")
  case .table:
    let reader = try VMDKTableReader(window)
    let descriptor = try VMDKDescriptor(parsing: reader.descriptor)
    check(descriptor)
    try deliver(reader)
    try deliver(try VMDKExtentsReader(descriptor) { _ throws(ArchiveError) in window })
  case .qcow2: try readImage(window, backingBytes: image.isOverlay ? 3 << 16 : nil)
  case .descriptor:
    let descriptor = try VMDKDescriptor(parsing: Array(image.bytes))
    check(descriptor)
    // Whatever an extent is called, its file is the descriptor.
    try deliver(try VMDKExtentsReader(descriptor) { _ throws(ArchiveError) in window })
  }
}

/// An image: whole and in parts, what is left of it, and its refcounts.
private func readImage(_ window: SourceWindow, backingBytes: UInt64?) throws(ArchiveError) {
  let salvage = try QCOW2Reader(window, backingBytes: backingBytes, salvages: true)
  let sink = CheckingSink(most: salvage.capacityBytes, dataBytesMax: 1 << 20, keepsDamage: true)
  do throws(ArchiveError) {
    try salvage.read(to: sink)
    precondition(sink.byteCount == salvage.capacityBytes, "a salvage is not whole")
  } catch {}
  let reader = try QCOW2Reader(window, backingBytes: backingBytes)
  try deliver(reader)
  try reader.header.requirePlain()
  var check = QCOW2Check(reader)
  try check.run()
}

private func deliver(_ reader: any DiskReader) throws(ArchiveError) {
  precondition(reader.capacityBytes <= Limits.streamBytesMax, "a disk that no stream can be")
  let sink = CheckingSink(most: reader.capacityBytes, dataBytesMax: 1 << 20)
  try reader.read(to: sink)
  precondition(sink.byteCount == reader.capacityBytes, "a disk is not whole")
  if !(reader is VMDKStreamReader) { try deliverHalves(reader) }
  #if CANARY
  preconditionFailure("the canary: the fuzzer must notice this")
  #endif
}

/// The two halves of a disk that can be read, the second one first.
private func deliverHalves(_ reader: any DiskReader) throws(ArchiveError) {
  let half = reader.capacityBytes / 2 / 65536 * 65536
  for part in [half..<reader.capacityBytes, 0..<half] where !part.isEmpty {
    let sink = CheckingSink(most: UInt64(part.count), dataBytesMax: 1 << 20)
    try reader.read(part, to: sink)
    precondition(sink.byteCount == UInt64(part.count), "a part is not whole")
  }
}

private func check(_ descriptor: VMDKDescriptor) {
  precondition(
    descriptor.capacityBytes <= Limits.streamBytesMax, "extents of more than a disk can have")
  precondition(
    descriptor.capacityBytes == descriptor.extents.reduce(0) { $0 + $1.sectors * 512 },
    "extents do not add up")
  for extent in descriptor.extents {
    precondition(extent.kind == .zero || !extent.name.contains("\""), "a name with its quotes")
  }
}
