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
  case .qcow2: try deliver(try QCOW2Reader(window))
  case .descriptor:
    let descriptor = try VMDKDescriptor(parsing: Array(image.bytes))
    check(descriptor)
    // Whatever an extent is called, its file is the descriptor.
    try deliver(try VMDKExtentsReader(descriptor) { _ throws(ArchiveError) in window })
  }
}

private func deliver(_ reader: any DiskReader) throws(ArchiveError) {
  let sink = CountingSink(reader.capacityBytes)
  try reader.read(to: sink)
  sink.finish()
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

/// Counts what comes, and has enough after some MiB.
private final class CountingSink: ClusterSink {
  let pieceBytesMax = 4 * 65536
  private let capacity: UInt64
  private var byteCount: UInt64 = 0
  private var dataBytes = 0
  // libFuzzer calls on one thread.
  nonisolated(unsafe) private static let memory = UnsafeMutableRawBufferPointer.allocate(
    byteCount: 4 * 65536, alignment: 4096)

  init(_ capacity: UInt64) {
    precondition(capacity <= Limits.streamBytesMax, "a disk that no stream can be")
    self.capacity = capacity
  }

  /// The reader says that it is done.
  func finish() {
    precondition(byteCount == capacity, "a disk is not whole")
    #if CANARY
    preconditionFailure("the canary: the fuzzer must notice this")
    #endif
  }

  private func add(_ count: UInt64) {
    precondition(count > 0 && byteCount % 65536 == 0, "nothing, or inside a cluster")
    precondition(count <= capacity - byteCount, "more than the disk has")
    byteCount += count
  }

  func zeros(_ count: UInt64) throws(ArchiveError) { add(count) }

  func data(
    _ count: Int, masks: Span<UInt16>,
    _ fill: (inout MutableRawSpan) throws(ArchiveError) -> Void
  ) throws(ArchiveError) {
    precondition((1...pieceBytesMax).contains(count), "a bad piece")
    precondition(masks.count == (count + 65535) / 65536, "masks that do not fit")
    add(UInt64(count))
    for block in 0..<(16 * masks.count) where masks[block >> 4] & 1 << (block & 15) != 0 {
      precondition(block * 4096 < count, "a mask behind the end")
    }
    dataBytes += count
    guard dataBytes <= 1 << 20 else { throw ArchiveError(.tooLarge, "enough for one input") }
    var span = MutableRawSpan(
      _unsafeBytes: UnsafeMutableRawBufferPointer(rebasing: Self.memory[..<count]))
    try fill(&span)
  }
}
