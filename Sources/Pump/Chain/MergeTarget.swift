package import BackupProtocol
internal import Hashing
package import SharedPool
package import System

/// Makes a whole stream of an increment's: what is unchanged comes from the archives below.
///
/// Bytes of any archive are copied once, from its reader's memory to that of the target.
@safe package final class MergeTarget: ReadTarget {
  private let stream: StreamDescription
  private let size: UInt64
  private let parent: ParentBackup.Stream?
  private let levels: [LevelFeed]
  /// What each of them has where it was asked last; it is asked again behind that.
  private var pieces: [LevelFeed.Piece?]
  private let target: any ReadTarget
  private let stop: StopSignal?
  /// One chunk, in memory that the target knows.
  private let memory: SharedPool
  private let chunk: UnsafeMutableRawBufferPointer
  private var masks: [BlockMask]
  /// Up to here the stream is in the chunk, or with the target.
  private var position: UInt64 = 0
  /// Whether the chunk has anything but zeros so far.
  private var hasBytes = false

  /// - Parameters:
  ///   - parent: What the stream refers to.
  ///   - levels: The archives below, the newest first.
  ///   - memory: Of at least one slot of 1 MiB, used by nobody else.
  package init(
    _ stream: StreamDescription, parent: ParentBackup.Stream?, levels: [LevelFeed],
    memory: SharedPool, to target: any ReadTarget, stop: StopSignal? = nil
  ) throws(LaneFailure) {
    self.stream = stream
    size = try stream.knownSize()
    self.parent = parent
    self.levels = levels
    pieces = Array(repeating: nil, count: levels.count)
    self.memory = memory
    self.target = target
    self.stop = stop
    unsafe chunk = UnsafeMutableRawBufferPointer(
      rebasing: memory.unsafeBytes(slot: 0)[0..<Int(TreeDigest.chunkBytes)])
    masks = Array(repeating: [], count: Int(TreeDigest.chunkBytes / Cluster.bytes))
    for level in levels { level.begin(stream.name) }
  }

  package func put(
    _ bytes: UnsafeRawBufferPointer, masks: Span<BlockMask>, at offset: UInt64
  ) throws(LaneFailure) {
    try addZeros(upTo: offset)
    guard let start = bytes.baseAddress else { return }
    try unsafe add(start, upTo: offset + UInt64(bytes.count))
  }

  package func putUnchanged(_ range: Range<UInt64>) throws(LaneFailure) {
    try parent.require(range, of: stream)
    try addZeros(upTo: range.lowerBound)
    while position < range.upperBound {
      let piece = try piece(before: range.upperBound)
      switch piece.kind {
      case .bytes(let start):
        try unsafe add(
          start + Int(position - piece.range.lowerBound),
          upTo: min(range.upperBound, piece.range.upperBound))
      case .zeros: try addZeros(upTo: min(range.upperBound, piece.range.upperBound))
      case .unchanged: throw unresolved
      }
      if let stop, stop.isRequested { throw .cancelled }
    }
  }

  /// Waits until every archive below has been read to the stream's end and is what it should be.
  package func finish() throws(LaneFailure) {
    try addZeros(upTo: size)
    try flush()
    for level in levels {
      guard level.finishStream() else { throw unresolved }
    }
    try target.finish()
  }

  /// What the newest archive that has it has at this place.
  ///
  /// - Parameter end: Nobody needs what is behind it.
  private func piece(before end: UInt64) throws(LaneFailure) -> LevelFeed.Piece {
    var end = end
    for level in levels.indices {
      var piece = try piece(of: level)
      end = min(end, piece.range.upperBound)
      if case .unchanged = piece.kind { continue }
      piece.range = piece.range.lowerBound..<end
      return piece
    }
    throw unresolved
  }

  /// What an archive has at this place. Most pieces are long, and each question wakes a thread.
  private func piece(of level: Int) throws(LaneFailure) -> LevelFeed.Piece {
    if let piece = pieces[level], piece.range.contains(position) { return piece }
    guard let piece = levels[level].piece(at: position) else { throw unresolved }
    pieces[level] = piece
    return piece
  }

  /// The reader of an archive below is gone: it knows why, or the user has called the job off.
  private var unresolved: LaneFailure {
    if let stop, stop.isRequested { return .cancelled }
    return .archive(stream: stream.name, "needs a parent that could not be read")
  }

  private func add(_ bytes: UnsafeRawPointer, upTo end: UInt64) throws(LaneFailure) {
    var bytes = unsafe bytes
    while position < end {
      let place = Int(position % TreeDigest.chunkBytes)
      let count = min(Int(end - position), Int(TreeDigest.chunkBytes) - place)
      unsafe UnsafeMutableRawBufferPointer(rebasing: chunk[place..<(place + count)])
        .copyMemory(from: UnsafeRawBufferPointer(start: bytes, count: count))
      unsafe bytes += count
      hasBytes = true
      try advance(count)
    }
  }

  private func addZeros(upTo end: UInt64) throws(LaneFailure) {
    while position < end {
      let place = Int(position % TreeDigest.chunkBytes)
      if place == 0 && !hasBytes && end - position >= TreeDigest.chunkBytes {
        position = end / TreeDigest.chunkBytes * TreeDigest.chunkBytes
        continue
      }
      let count = min(Int(end - position), Int(TreeDigest.chunkBytes) - place)
      unsafe UnsafeMutableRawBufferPointer(rebasing: chunk[place..<(place + count)])
        .initializeMemory(as: UInt8.self, repeating: 0)
      try advance(count)
    }
  }

  private func advance(_ count: Int) throws(LaneFailure) {
    position += UInt64(count)
    if position % TreeDigest.chunkBytes == 0 { try flush() }
  }

  /// Gives the chunk to the target, if there is anything in it.
  private func flush() throws(LaneFailure) {
    guard hasBytes, position > 0 else { return }
    hasBytes = false
    let start = (position - 1) / TreeDigest.chunkBytes * TreeDigest.chunkBytes
    let length = Int(position - start)
    let bytes = unsafe UnsafeRawBufferPointer(rebasing: chunk[0..<length])
    guard unsafe ZeroScan.scan(bytes, into: &masks) > 0 else { return }
    let found = masks
    try unsafe target.put(
      bytes, masks: found.span.extracting(0..<Cluster.count(in: length)), at: start)
  }
}
