internal import BackupProtocol
internal import Hashing
internal import SharedPool
internal import System

/// Puts together a stream from what a reader plugin sends, in memory the plugin cannot touch.
///
/// Bytes are copied out of the plugin's pool before anything looks at them: what is hashed is what
/// is written, whatever the plugin does to its pool meanwhile. Blocks that a mask calls zero are
/// taken as zeros unseen. What an increment calls unchanged is told to the target, and has no bytes
/// here. Specified in protocol.md §7.
struct StreamAssembler: ~Copyable {
  let name: String
  let size: UInt64
  /// How far the stream has come; frames continue exactly here.
  private(set) var position: UInt64 = 0
  private var tree = TreeDigest()
  private let buffers: SharedPool
  private let workers: DigestWorkers
  private var current = 0
  /// Whether the current chunk holds anything else than zeros so far.
  private var hasData = false
  /// What the tree takes next, ascending; between its parts there are zeros.
  private var pending: [Part] = []
  private var isHashed: [Bool]
  /// Where the last chunk that was in each buffer ends; 0 if there was none.
  private var ends: [UInt64]
  /// Of each buffer's chunk the clusters that are as in the parent.
  private var unchanged: [ClusterSet]
  /// Whether bytes of the target stand for the buffer's chunk.
  private var isTargets: [Bool]
  let isIncremental: Bool
  private var masks: [BlockMask]
  private let target: (any ReadTarget)?
  private let stop: StopSignal?
  private(set) var dataBytes: UInt64 = 0
  /// Bytes that came as DATA.
  private(set) var receivedBytes: UInt64 = 0
  /// What did not come.
  private(set) var damage = StreamDamage()

  /// - Parameters:
  ///   - buffers: Private memory of 1 MiB slots, as many as may be hashed at once and one more.
  ///   - isIncremental: Ranges may be unchanged.
  ///   - target: `nil` when the stream is only verified.
  ///   - stop: Ends what takes long.
  init(
    name: String, size: UInt64, isIncremental: Bool = false, buffers: SharedPool,
    workers: DigestWorkers, target: (any ReadTarget)?, stop: StopSignal? = nil
  ) {
    self.name = name
    self.size = size
    self.isIncremental = isIncremental
    self.buffers = buffers
    self.workers = workers
    self.target = target
    self.stop = stop
    isHashed = Array(repeating: false, count: buffers.shape.slotCount)
    ends = Array(repeating: 0, count: buffers.shape.slotCount)
    unchanged = Array(repeating: ClusterSet(), count: buffers.shape.slotCount)
    isTargets = Array(repeating: false, count: buffers.shape.slotCount)
    masks = Array(repeating: [], count: buffers.shape.slotBytes / Int(Cluster.bytes))
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
      let bytes = unsafe UnsafeRawBufferPointer(rebasing: source[done..<(done + part)])
      let (from, isWhole) = (done, part == chunkEnd && frame.maskCount == 0)
      done += part
      if isWhole, let same = unsafe try target?.same(as: bytes, at: position) {
        try unsafe take(same, part)
        continue
      }
      unsafe copy(bytes)
      clearMasked(frame, payload, from: from, count: part)
      try advance(UInt64(part))
    }
  }

  /// Takes a whole chunk for which bytes of the target stand: nothing of it is copied.
  private mutating func take(_ same: UnsafeRawPointer, _ count: Int) throws(LaneFailure) {
    dataBytes += UInt64(count)
    position += UInt64(count)
    ends[current] = position
    addPending(isTargets: true)
    unsafe workers.start(slot: current, length: count, of: same)
    try findBuffer()
  }

  private mutating func addPending(isTargets: Bool) {
    isHashed[current] = false
    self.isTargets[current] = isTargets
    pending.append(.chunk(buffer: current))
  }

  /// Takes a range of zeros.
  mutating func addZeros(offset: UInt64, length: UInt64) throws(LaneFailure) {
    try admit(offset: offset, length: length)
    try takeZeros(length)
  }

  /// Takes a range that is as in the parent.
  mutating func addUnchanged(offset: UInt64, length: UInt64) throws(LaneFailure) {
    try admit(offset: offset, length: length)
    let end = offset + length
    while position < end {
      let inChunk = Int(position % TreeDigest.chunkBytes)
      if inChunk == 0 && end - position >= TreeDigest.chunkBytes {
        try skipUnchanged(to: end / TreeDigest.chunkBytes * TreeDigest.chunkBytes)
        continue
      }
      let part = min(Int(end - position), chunkEnd - inChunk)
      // Nobody looks at these bytes of the buffer.
      unchanged[current].insert(clustersOf: inChunk..<(inChunk + part))
      try advance(UInt64(part))
    }
  }

  /// Takes whole chunks of which nothing has changed.
  private mutating func skipUnchanged(to end: UInt64) throws(LaneFailure) {
    pending.append(.unchanged(upTo: end, from: position))
    try target?.putUnchanged(position..<end)
    position = end
    while case .unchanged? = pending.first { try takeOldest() }
  }

  /// Takes a range that the archive has lost, as zeros.
  mutating func addDamaged(
    offset: UInt64, length: UInt64, _ reason: String
  ) throws(LaneFailure) {
    try admit(offset: offset, length: length)
    damage.add(offset: offset, length: length, reason)
    try takeZeros(length)
  }

  /// Ends a stream of which nothing more will come.
  mutating func giveUp(_ reason: String) throws(LaneFailure) -> Digest {
    if position < size {
      try addDamaged(offset: position, length: size - position, reason)
    } else {
      damage.addSomewhere(reason)
    }
    return try close(logicalLength: size)
  }

  private mutating func takeZeros(_ length: UInt64) throws(LaneFailure) {
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
      zero(inChunk..<(inChunk + part))
      left -= UInt64(part)
      try advance(UInt64(part))
    }
  }

  private func zero(_ range: Range<Int>) {
    let bytes = unsafe buffers.unsafeBytes(slot: current)
    unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[range])
      .initializeMemory(as: UInt8.self, repeating: 0)
  }

  /// Ends the stream.
  ///
  /// - Returns: The tree digest of what was taken.
  mutating func close(logicalLength: UInt64) throws(LaneFailure) -> Digest {
    guard position == size, logicalLength == size else {
      throw .archive(stream: name, "is truncated: \(position) of \(size) bytes")
    }
    while !pending.isEmpty { try takeOldest() }
    try target?.finish()
    try tree.addZeros(upTo: size, stop: stop)
    return Digest(
      algorithm: isIncremental ? .incrementTreeSHA256 : .treeSHA256, bytes: tree.finish())
  }

  private var chunkEnd: Int { byteCount(chunk: position / TreeDigest.chunkBytes) }

  /// Bytes of a chunk; the last one may be short.
  private func byteCount(chunk: UInt64) -> Int {
    Int(min(TreeDigest.chunkBytes, size - chunk * TreeDigest.chunkBytes))
  }

  private func admit(offset: UInt64, length: UInt64) throws(LaneFailure) {
    let cursor = StreamCursor(at: position, size: size)
    do throws(StreamCursor.Fault) { _ = try cursor.check(offset: offset, length: length) } catch {
      let what =
        switch error {
        case .gap: "continues at byte \(offset) instead of \(position)"
        case .length: "is longer than the announced \(size) bytes"
        case .cluster: "has a piece that is not a multiple of the cluster size"
        }
      throw .archive(stream: name, what)
    }
  }

  private mutating func copy(_ source: UnsafeRawBufferPointer) {
    let start = Int(position % TreeDigest.chunkBytes)
    let bytes = unsafe buffers.unsafeBytes(slot: current)
    unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[start..<(start + source.count)])
      .copyMemory(from: source)
    hasData = true
  }

  /// Blocks that a mask leaves out are zeros, whatever is in the plugin's memory.
  private func clearMasked(_ frame: DataFrame, _ payload: RawSpan, from: Int, count: Int) {
    guard frame.maskCount > 0 else { return }
    let start = Int(position % TreeDigest.chunkBytes)
    let bytes = unsafe buffers.unsafeBytes(slot: current)
    var end = from
    while let run = BlockMask.nextRun(
      from: end, byteCount: from + count, { frame.mask($0, in: payload).complement })
    {
      let place = start + run.lowerBound - from
      unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[place..<(place + run.count)])
        .initializeMemory(as: UInt8.self, repeating: 0)
      end = run.upperBound
    }
  }

  private mutating func advance(_ count: UInt64) throws(LaneFailure) {
    let chunk = position / TreeDigest.chunkBytes
    position += count
    guard position % TreeDigest.chunkBytes == 0 || position == size else { return }
    if hasData || !unchanged[current].isEmpty { try chunkIsWhole(chunk) }
    hasData = false
  }

  private mutating func chunkIsWhole(_ chunk: UInt64) throws(LaneFailure) {
    let length = byteCount(chunk: chunk)
    let bytes = unsafe UnsafeRawBufferPointer(
      rebasing: buffers.unsafeBytes(slot: current)[0..<length])
    let blocks = unsafe scan(bytes)
    guard blocks > 0 || !unchanged[current].isEmpty else { return }
    dataBytes += min(UInt64(blocks) * Block.bytes, UInt64(length))
    ends[current] = position
    addPending(isTargets: false)
    workers.start(slot: current, length: length, omitting: unchanged[current])
    try unsafe put(bytes, at: chunk * TreeDigest.chunkBytes)
    try findBuffer()
  }

  /// How many blocks of a chunk hold data, without what is unchanged in it.
  private mutating func scan(_ bytes: UnsafeRawBufferPointer) -> Int {
    unchanged[current].runs(byteCount: bytes.count).reduce(0) { count, run in
      if run.isInside { return count }
      let part = unsafe UnsafeRawBufferPointer(rebasing: bytes[run.bytes])
      let cluster = Cluster.range(of: run.bytes).lowerBound
      let blocks = unsafe ZeroScan.scan(part, into: &masks, from: cluster)
      return count + blocks
    }
  }

  /// Hands a chunk to the target, without what is unchanged in it.
  private func put(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(LaneFailure) {
    guard let target else { return }
    for run in unchanged[current].runs(byteCount: bytes.count) {
      let start = offset + UInt64(run.bytes.lowerBound)
      if run.isInside {
        try target.putUnchanged(start..<(offset + UInt64(run.bytes.upperBound)))
        continue
      }
      let clusters = Cluster.range(of: run.bytes)
      guard clusters.contains(where: { !masks[$0].isEmpty }) else { continue }
      try unsafe target.put(
        UnsafeRawBufferPointer(rebasing: bytes[run.bytes]),
        masks: masks.span.extracting(clusters), at: start)
    }
  }

  /// Chooses the buffer of the next chunk; waits for the oldest digests, or for the target, if
  /// there is none.
  private mutating func findBuffer() throws(LaneFailure) {
    while true {
      let used = target?.usedUpTo ?? .max
      let free = ends.indices.first { buffer in
        ends[buffer] <= used && !pending.contains { $0.buffer == buffer }
      }
      if let free {
        current = free
        unchanged[current] = ClusterSet()
        return
      }
      if pending.isEmpty { try waitForTarget() } else { try takeOldest() }
    }
  }

  /// Waits until the target is done with half of the buffers: who is woken for every chunk gets
  /// nothing else done.
  private func waitForTarget() throws(LaneFailure) {
    let oldest = ends.min() ?? position
    let half = UInt64(ends.count / 2) * TreeDigest.chunkBytes
    try target?.waitUntilUsed(upTo: min(position, oldest + half))
  }

  /// Feeds the oldest part to the tree; waits for its digests, to which the workers always get.
  private mutating func takeOldest() throws(LaneFailure) {
    guard let oldest = pending.first else { return }
    pending.removeFirst()
    switch oldest {
    case .unchanged(let end, let start):
      try tree.addZeros(upTo: start, stop: stop)
      try tree.addUnchanged(upTo: end, stop: stop)
    case .chunk(let buffer):
      while !isHashed[buffer] {
        workers.collect { isHashed[$0] = true }
        if !isHashed[buffer] { try workers.waitForAny() }
      }
      try takeDigests(of: buffer)
    }
  }

  private mutating func takeDigests(of buffer: Int) throws(LaneFailure) {
    let chunk = (ends[buffer] - 1) / TreeDigest.chunkBytes
    try tree.addZeros(upTo: chunk * TreeDigest.chunkBytes, stop: stop)
    for run in unchanged[buffer].runs(byteCount: byteCount(chunk: chunk)) {
      if run.isInside {
        tree.updateUnchanged(UInt64(run.bytes.count))
      } else {
        let leaves = TreeDigest.leaves(of: run.bytes)
        unsafe tree.add(
          leaves: workers.digests(slot: buffer, leaves), byteCount: run.bytes.count)
      }
    }
    if isTargets[buffer] { target?.release(upTo: ends[buffer]) }
  }
}

extension StreamAssembler {
  /// A part of the stream that its digest has still to take.
  fileprivate enum Part {
    case chunk(buffer: Int)
    case unchanged(upTo: UInt64, from: UInt64)

    var buffer: Int? { if case .chunk(let buffer) = self { buffer } else { nil } }
  }
}
