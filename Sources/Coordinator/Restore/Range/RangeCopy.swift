internal import BackupProtocol
internal import PluginHost
internal import Pump
internal import SharedPool
internal import Synchronization
internal import System

/// Copies a range of a disk from an open archive to a place, some pieces ahead.
struct RangeCopy: ~Copyable {
  private static let shape = PoolShape(slotCount: 4, slotBytes: 1 << 20)

  private let disk: StreamDescription
  private let wanted: Range<UInt64>
  private let output: any RangeOutput
  private let memory: SharedPool
  private let archive: ArchiveSession
  private let reader: RangeReader
  private let progress: LaneProgress
  /// The pieces that are under way, the next one first.
  private var pieces: [(slot: Int, range: Range<UInt64>)] = []
  private var next: UInt64
  private let end: UInt64
  private var dataBytes: UInt64 = 0
  private var masks = [BlockMask](repeating: [], count: 16)

  /// - Parameters:
  ///   - size: Bytes of the disk.
  ///   - wanted: Some of them, not empty.
  init(
    _ archive: ArchiveSession, _ disk: StreamDescription, size: UInt64, _ wanted: Range<UInt64>,
    to output: any RangeOutput
  ) throws(LaneFailure) {
    (self.disk, self.wanted, self.output) = (disk, wanted, output)
    do throws(SystemCallError) { memory = try SharedPool(Self.shape, name: "sluice-range") } catch {
      throw .system("\(error)")
    }
    self.archive = archive
    reader = RangeReader(archive, memory: memory)
    progress = archive.progress
    // What is read begins and ends with clusters.
    next = wanted.lowerBound / Cluster.bytes * Cluster.bytes
    let clusters = (wanted.upperBound + Cluster.bytes - 1) / Cluster.bytes
    end = min(size, clusters * Cluster.bytes)
  }

  /// Blocks until all is copied.
  mutating func run() throws(LaneFailure) -> StreamSummary {
    let started = MonotonicTime.now
    progress.totalBytes.store(end - next, ordering: .relaxed)
    for slot in 0..<Self.shape.slotCount { order(slot) }
    while !pieces.isEmpty {
      var came: [RangeReader.Completion] = []
      try reader.collectNext { came.append($0) }
      if came.isEmpty { continue }
      for completion in came { try take(completion) }
      // Where the bytes go may have taken its time: that is none of the plugin's.
      archive.plugin.excuse(.now)
    }
    try output.finish(UInt64(wanted.count))
    return StreamSummary(
      name: disk.name, size: UInt64(wanted.count),
      readBytes: progress.readBytes.load(ordering: .relaxed), dataBytes: dataBytes,
      seconds: MonotonicTime.now.seconds(since: started))
  }

  private mutating func order(_ slot: Int) {
    guard next < end else { return }
    let piece = next..<min(end, next + UInt64(Self.shape.slotBytes))
    reader.submit(slot: slot, disk, piece)
    pieces.append((slot, piece))
    next = piece.upperBound
  }

  /// Puts what has come: pieces come in the order in which they were asked for.
  private mutating func take(_ completion: RangeReader.Completion) throws(LaneFailure) {
    if let failure = completion.failure { throw failure }
    let (slot, range) = pieces.removeFirst()
    precondition(slot == completion.slot, "pieces have changed places")
    if !completion.isZero { try put(range, of: slot) }
    order(slot)
  }

  /// Puts what is wanted of a piece, without its blocks of zeros.
  private mutating func put(_ piece: Range<UInt64>, of slot: Int) throws(LaneFailure) {
    let bytes = unsafe UnsafeRawBufferPointer(
      rebasing: memory.unsafeBytes(slot: slot)[..<piece.count])
    unsafe _ = ZeroScan.scan(bytes, into: &masks)
    let part = piece.clamped(to: wanted)
    let inside =
      Int(part.lowerBound - piece.lowerBound)..<Int(part.upperBound - piece.lowerBound)
    var end = 0
    while let run = masks.span.nextRun(from: end, byteCount: bytes.count) {
      end = run.upperBound
      let data = run.clamped(to: inside)
      if data.isEmpty { continue }
      dataBytes += UInt64(data.count)
      try unsafe output.put(
        UnsafeRawBufferPointer(rebasing: bytes[data]),
        at: piece.lowerBound + UInt64(data.lowerBound) - wanted.lowerBound)
    }
  }
}
