internal import BackupProtocol
internal import BlockSource
internal import Hashing
internal import PluginHost
internal import SharedPool
internal import System

/// Something a lane will announce, in the order of the stream.
enum LaneStep {
  case skip(Extent)
  case read(slot: Int)
}

/// A part of a stream that its digest has still to take.
enum HashedPart {
  case slot(Int)
  /// As in the parent.
  case unchanged(Extent)
}

/// The book of the stream that is being sent.
struct StreamProgress: ~Copyable {
  let id: UInt32
  let name: String
  var plan: ChunkPlan
  var tree = TreeDigest()
  var summary: StreamSummary
  var readsInFlight = 0
  /// When a read was answered last, or the first of a batch was asked for.
  var lastArrival = MonotonicTime.now
  var isPlanned = false
  /// What the tree takes next, ascending; between its parts there are zeros.
  var hashed: [HashedPart] = []
  var failure: LaneFailure?

  init(_ stream: LaneStream) {
    id = stream.description.id
    name = stream.description.name
    plan = ChunkPlan(stream.map)
    summary = StreamSummary(name: name, size: stream.size)
  }
}

extension BackupLane {
  /// Sends one complete stream to every writer.
  func send(_ stream: LaneStream) throws(LaneFailure) -> StreamSummary {
    let started = MonotonicTime.now
    var book = StreamProgress(stream)
    for session in writers { session.sendOpen(stream: book.id) }
    if stream.size > 0 {
      let reader = try openReader(stream)
      defer { reader.close() }
      try pump(reader, &book)
    }
    var summary = book.summary
    if isHashing {
      try book.tree.addZeros(upTo: stream.size, stop: stop)
      summary.digest = Digest(
        algorithm: stream.description.isIncremental ? .incrementTreeSHA256 : .treeSHA256,
        bytes: book.tree.finish())
    }
    summary.seconds = MonotonicTime.now.seconds(since: started)
    let close = CloseFrame(logicalLength: stream.size, digest: summary.digest)
    for session in writers { session.send(close, stream: stream.description.id) }
    return summary
  }

  private func openReader(_ stream: LaneStream) throws(LaneFailure) -> any DiskReader {
    do throws(SourceError) { return try stream.openReader() } catch {
      throw .source(stream: stream.description.name, error)
    }
  }

  /// Reads, scans, announces and hashes until nothing of the stream is left to do.
  private func pump(
    _ reader: any DiskReader, _ book: inout StreamProgress
  ) throws(LaneFailure) {
    while true {
      let delay = try fetch(reader, &book)
      try collect(reader, &book)
      announce(&book)
      try takeDigests(&book)
      if book.isPlanned && steps.isEmpty && book.hashed.isEmpty { return }
      try requireWriters()
      // Slots that came back already can be filled at once; else there is nothing to do but wait.
      let canFetch = delay == 0 && mayFetch(reader, book)
      try turn(reader, secondsMax: canFetch ? 0 : delay > 0 ? min(delay, 1) : 1)
    }
  }

  private func mayFetch(_ reader: any DiskReader, _ book: borrowing StreamProgress) -> Bool {
    !book.isPlanned && board.hasFree && steps.count < 4 * pool.shape.slotCount
      && book.readsInFlight < reader.readsInFlightMax
  }

  /// Starts reads while there are free slots.
  ///
  /// - Returns: Seconds the rate limit wants to pass first; 0 if it has no objection.
  private func fetch(
    _ reader: any DiskReader, _ book: inout StreamProgress
  ) throws(LaneFailure) -> Double {
    while mayFetch(reader, book) {
      if let delay = rateLimit?.delay(.now), delay > 0 { return delay }
      guard let extent = book.plan.next() else {
        book.isPlanned = true
        break
      }
      if extent.kind == .data {
        try submit(extent.offset, Int(extent.length), reader, &book)
      } else {
        steps.append(.skip(extent))
      }
    }
    return 0
  }

  private func submit(
    _ offset: UInt64, _ length: Int, _ reader: any DiskReader, _ book: inout StreamProgress
  ) throws(LaneFailure) {
    rateLimit?.take(length)
    let slot = board.take(offset: offset, length: length)
    do throws(SourceError) {
      try reader.submit(slot: slot, offset: offset, length: length)
    } catch {
      throw .source(stream: book.name, error)
    }
    book.readsInFlight += 1
    book.summary.readBytes += UInt64(length)
    steps.append(.read(slot: slot))
  }

  /// Takes the reads that have ended: scans them and hands them to the digest.
  private func collect(
    _ reader: any DiskReader, _ book: inout StreamProgress
  ) throws(LaneFailure) {
    var failed: LaneFailure?
    var ended = 0
    var zeroBytes: UInt64 = 0
    let name = book.name
    do throws(SourceError) {
      try reader.collect { completion in
        ended += 1
        let entry = board[completion.slot]
        if completion.code != 0 {
          failed = failed ?? .read(stream: name, offset: entry.offset, code: completion.code)
        } else if completion.isZero {
          board.noteZeros(completion.slot)
          zeroBytes += UInt64(entry.length)
        } else {
          arrived(completion.slot, entry)
        }
      }
    } catch {
      throw .source(stream: book.name, error)
    }
    book.readsInFlight -= ended
    // What the source knew to be zeros has not been read.
    book.summary.readBytes -= zeroBytes
    if let failed { throw failed }
    try checkStall(ended, &book)
  }

  private func checkStall(_ ended: Int, _ book: inout StreamProgress) throws(LaneFailure) {
    let now = MonotonicTime.now
    if ended > 0 || book.readsInFlight == 0 {
      book.lastArrival = now
    } else if now.seconds(since: book.lastArrival) > stallLimit {
      throw .sourceStalled(stream: book.name, seconds: stallLimit)
    }
  }

  private func arrived(_ slot: Int, _ entry: SlotBoard.Entry) {
    let bytes = unsafe UnsafeRawBufferPointer(
      rebasing: pool.unsafeBytes(slot: slot)[0..<entry.length])
    unsafe board.scan(slot, bytes)
    progress.read(UInt64(entry.length))
    guard isHashing, board[slot].dataBlocks > 0 else { return }
    digests.start(slot: slot, length: entry.length)
  }

  /// Announces what is ready, in order, as long as every writer's pipe has room.
  private func announce(_ book: inout StreamProgress) {
    var count = 0
    while count < steps.count, !writers.contains(where: \.isCongested) {
      switch steps[count] {
      case .skip(let extent):
        if isHashing && extent.kind == .unchanged { book.hashed.append(.unchanged(extent)) }
        announce(
          ZeroFrame(offset: extent.offset, length: extent.length, kind: extent.kind), book)
      case .read(let slot):
        guard board[slot].isReady else {
          steps.removeFirst(count)
          return
        }
        announce(slot: slot, &book)
      }
      count += 1
    }
    steps.removeFirst(count)
  }

  private func announce(_ frame: ZeroFrame, _ book: borrowing StreamProgress) {
    for session in writers { session.send(frame, stream: book.id) }
    progress.passed(frame.length)
  }

  private func announce(slot: Int, _ book: inout StreamProgress) {
    let entry = board[slot]
    board[slot].holders = 1
    defer { board.drop(slot) }
    guard entry.dataBlocks > 0 else {
      let zeros = ZeroFrame(offset: entry.offset, length: UInt64(entry.length), kind: .zero)
      return announce(zeros, book)
    }
    if isHashing {
      book.hashed.append(.slot(slot))
      board[slot].holders += 1
    }
    book.summary.dataBytes += min(
      UInt64(entry.dataBlocks) * Block.bytes, UInt64(entry.length))
    let writers = self.writers
    board[slot].holders += writers.count
    let clusters = Cluster.count(in: entry.length)
    let masks = board.masks[slot]
    for session in writers {
      session.lend(
        slot: slot, offset: entry.offset, length: entry.length,
        masks: masks.span.extracting(0..<clusters), stream: book.id)
    }
    progress.passed(UInt64(entry.length))
  }

  /// Feeds digests to the tree in order; what lies between them is zero.
  private func takeDigests(_ book: inout StreamProgress) throws(LaneFailure) {
    var count = 0
    defer { book.hashed.removeFirst(count) }
    while count < book.hashed.count {
      switch book.hashed[count] {
      case .unchanged(let extent):
        try book.tree.addZeros(upTo: extent.offset, stop: stop)
        try book.tree.addUnchanged(upTo: extent.end, stop: stop)
      case .slot(let slot):
        guard board[slot].hasDigest else { return }
        try book.tree.addZeros(upTo: board[slot].offset, stop: stop)
        let length = board[slot].length
        let leaves = TreeDigest.leaves(of: 0..<length)
        unsafe book.tree.add(leaves: digests.digests(slot: slot, leaves), byteCount: length)
        board.drop(slot)
      }
      count += 1
    }
  }
}
