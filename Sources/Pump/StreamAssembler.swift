internal import BackupProtocol
internal import SharedPool
internal import System

/// Puts together a stream from what a reader plugin sends, in memory the plugin cannot touch.
///
/// Bytes are copied out of the plugin's pool before anything looks at them: what is hashed is what
/// is written, whatever the plugin does to its pool meanwhile. Blocks that a mask calls zero are
/// taken as zeros unseen. Specified in protocol.md §7.
struct StreamAssembler: ~Copyable {
  let name: String
  let size: UInt64
  /// How far the stream has come; frames continue exactly here.
  private(set) var position: UInt64 = 0
  private var tree: TreeDigest
  private let buffers: SharedPool
  private let workers: DigestWorkers
  private var current = 0
  /// Whether the current chunk holds anything else than zeros so far.
  private var hasData = false
  private var pending: [Int] = []
  private var isHashed: [Bool]
  private var chunks: [UInt64]
  private var masks: [UInt16]
  private let target: (any ReadTarget)?
  private(set) var dataBytes: UInt64 = 0
  /// Bytes that came as DATA.
  private(set) var receivedBytes: UInt64 = 0

  /// - Parameters:
  ///   - buffers: Private memory of 1 MiB slots, as many as may be hashed at once and one more.
  ///   - target: `nil` when the stream is only verified.
  ///   - stop: Ends what takes long.
  init(
    name: String, size: UInt64, buffers: SharedPool, workers: DigestWorkers,
    target: (any ReadTarget)?, stop: StopSignal? = nil
  ) {
    self.name = name
    self.size = size
    self.buffers = buffers
    self.workers = workers
    self.target = target
    tree = TreeDigest(size: size, stop: stop)
    isHashed = Array(repeating: false, count: buffers.shape.slotCount)
    chunks = Array(repeating: 0, count: buffers.shape.slotCount)
    masks = Array(repeating: 0, count: buffers.shape.slotBytes / Int(Limits.clusterBytes))
    pending.reserveCapacity(buffers.shape.slotCount)
  }

  /// Takes the bytes of a DATA frame.
  ///
  /// - Parameter source: At least `frame.length` bytes; may change at any time.
  mutating func add(
    _ frame: DataFrame, payload: RawSpan, source: UnsafeRawBufferPointer
  ) throws(LaneFailure) {
    try admit(offset: frame.offset, length: UInt64(frame.length))
    receivedBytes += UInt64(frame.length)
    var done = 0
    while done < Int(frame.length) {
      let part = min(Int(frame.length) - done, chunkEnd - Int(position % TreeDigest.chunkBytes))
      unsafe copy(UnsafeRawBufferPointer(rebasing: source[done..<(done + part)]))
      clearMasked(frame, payload, from: done, count: part)
      done += part
      try advance(UInt64(part))
    }
  }

  /// Takes a range of zeros.
  mutating func addZeros(offset: UInt64, length: UInt64) throws(LaneFailure) {
    try admit(offset: offset, length: length)
    var left = length
    while left > 0 {
      let inChunk = Int(position % TreeDigest.chunkBytes)
      if inChunk == 0 && left >= TreeDigest.chunkBytes && !hasData {
        // Whole chunks of zeros cost nothing but their digests, which the tree adds by itself.
        let whole = left / TreeDigest.chunkBytes * TreeDigest.chunkBytes
        position += whole
        left -= whole
        continue
      }
      let part = min(Int(left), chunkEnd - inChunk)
      let bytes = unsafe buffers.unsafeBytes(slot: current)
      unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[inChunk..<(inChunk + part)])
        .initializeMemory(as: UInt8.self, repeating: 0)
      left -= UInt64(part)
      try advance(UInt64(part))
    }
  }

  /// Ends the stream.
  ///
  /// - Returns: The tree digest of what was taken.
  mutating func close(logicalLength: UInt64) throws(LaneFailure) -> Digest {
    guard position == size, logicalLength == size else {
      throw .archive(stream: name, "is truncated: \(position) of \(size) bytes")
    }
    while !pending.isEmpty { try waitForDigest() }
    try target?.finish()
    // The tree is of no further use; a new one takes its place so that it can be consumed.
    var spent = TreeDigest(size: 0)
    swap(&spent, &tree)
    return try spent.finish()
  }

  private var chunkEnd: Int {
    Int(min(TreeDigest.chunkBytes, size - position / TreeDigest.chunkBytes * TreeDigest.chunkBytes))
  }

  private func admit(offset: UInt64, length: UInt64) throws(LaneFailure) {
    guard offset == position else {
      throw .archive(stream: name, "continues at byte \(offset) instead of \(position)")
    }
    guard length <= size - position else {
      throw .archive(stream: name, "is longer than the announced \(size) bytes")
    }
    let isAtEnd = length == size - position
    guard length % Limits.clusterBytes == 0 || isAtEnd else {
      throw .archive(stream: name, "has a piece that is not a multiple of the cluster size")
    }
  }

  private mutating func copy(_ source: UnsafeRawBufferPointer) {
    let start = Int(position % TreeDigest.chunkBytes)
    let bytes = unsafe buffers.unsafeBytes(slot: current)
    unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[start..<(start + source.count)])
      .copyMemory(from: source)
    hasData = true
  }

  /// Blocks whose mask bit is 0 are zeros, whatever is in the plugin's memory.
  private func clearMasked(_ frame: DataFrame, _ payload: RawSpan, from: Int, count: Int) {
    guard frame.maskCount > 0 else { return }
    let start = Int(position % TreeDigest.chunkBytes)
    let bytes = unsafe buffers.unsafeBytes(slot: current)
    for block in stride(from: 0, to: count, by: Int(Limits.blockBytes)) {
      let inFrame = from + block
      let mask = frame.mask(inFrame >> 16, in: payload)
      guard mask & (1 << UInt16(inFrame >> 12 & 15)) == 0 else { continue }
      let end = min(block + Int(Limits.blockBytes), count)
      unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[(start + block)..<(start + end)])
        .initializeMemory(as: UInt8.self, repeating: 0)
    }
  }

  private mutating func advance(_ count: UInt64) throws(LaneFailure) {
    let chunk = position / TreeDigest.chunkBytes
    position += count
    guard position % TreeDigest.chunkBytes == 0 || position == size else { return }
    if hasData { try chunkIsWhole(chunk) }
    hasData = false
  }

  private mutating func chunkIsWhole(_ chunk: UInt64) throws(LaneFailure) {
    let length = tree.byteCount(chunk: chunk)
    let bytes = unsafe UnsafeRawBufferPointer(
      rebasing: buffers.unsafeBytes(slot: current)[0..<length])
    let blocks = unsafe ZeroScan.scan(bytes, into: &masks)
    guard blocks > 0 else { return }
    dataBytes += min(UInt64(blocks) * Limits.blockBytes, UInt64(length))
    chunks[current] = chunk
    isHashed[current] = false
    workers.start(slot: current, ChunkHasher.Shape(length: length))
    pending.append(current)
    let clusters = (length + Int(Limits.clusterBytes) - 1) / Int(Limits.clusterBytes)
    try unsafe target?.put(
      bytes, masks: masks.span.extracting(0..<clusters), at: chunk * TreeDigest.chunkBytes)
    if pending.count == buffers.shape.slotCount { try waitForDigest() }
    current = freeBuffer()
  }

  private func freeBuffer() -> Int {
    (0..<buffers.shape.slotCount).first { !pending.contains($0) } ?? 0
  }

  /// Waits for the oldest chunk's digest; the workers always get there.
  private mutating func waitForDigest() throws(LaneFailure) {
    guard let oldest = pending.first else { return }
    while !isHashed[oldest] {
      workers.collect { isHashed[$0] = true }
      if !isHashed[oldest] { try workers.waitForAny() }
    }
    pending.removeFirst()
    try tree.addZeros(upTo: chunks[oldest])
    unsafe tree.add(chunk: workers.digest(slot: oldest))
  }
}
