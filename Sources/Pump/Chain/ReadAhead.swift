internal import BackupProtocol
internal import BlockSource
internal import SharedPool
internal import System

/// Reads a disk forward into slots, some pieces ahead of whoever looks at them.
final class ReadAhead {
  /// A part of the disk that is of one kind.
  @safe struct Piece {
    let kind: Extent.Kind
    let offset: UInt64
    let end: UInt64
    fileprivate let start: UnsafeRawPointer?

    /// The disk's bytes from one place of the piece on, until the next piece is asked for; `nil` is
    /// zeros.
    func bytes(at place: UInt64) -> UnsafeRawPointer? {
      unsafe start.map { unsafe $0 + Int(place - offset) }
    }
  }

  private struct Step {
    let extent: Extent
    let slot: Int?
    var isDone: Bool
    var isZero = false
    /// Somebody needs the bytes even when the place is over.
    var isHeld = false
  }

  private let name: String
  private let reader: any DiskReader
  private let pool: SharedPool
  private var rateLimit: RateLimit?
  private let stallLimit: Double
  private let stop: StopSignal
  private var plan: ChunkPlan
  private var isPlanned = false
  private var steps: [Step] = []
  private let slotCount: Int
  private var free: [Int]
  /// Slots of steps that are over, and where those end.
  private var held: [(slot: Int, end: UInt64)] = []
  private var poller = Poller()

  init(
    name: String, map: [Extent], reader: any DiskReader, pool: SharedPool, rateLimit: UInt64?,
    stallLimit: Double, stop: StopSignal
  ) {
    self.name = name
    self.reader = reader
    self.pool = pool
    self.rateLimit = rateLimit.map { RateLimit(bytesPerSecond: $0, now: .now) }
    self.stallLimit = stallLimit
    self.stop = stop
    plan = ChunkPlan(map)
    slotCount = min(pool.shape.slotCount, reader.readsInFlightMax)
    free = Array((0..<slotCount).reversed())
  }

  /// Waits for what is at a place; places ascend.
  func piece(at place: UInt64) throws(LaneFailure) -> Piece {
    while let first = steps.first, first.extent.end <= place {
      if let slot = first.slot {
        if first.isHeld { held.append((slot, first.extent.end)) } else { free.append(slot) }
      }
      steps.removeFirst()
    }
    try fetch()
    while steps.isEmpty, !isPlanned { try rest() }
    guard let first = steps.first else { throw .system("the map of \(name) ends early") }
    if !first.isDone { try wait() }
    let extent = steps[0].extent
    let start = unsafe steps[0].isZero ? nil : steps[0].slot.map(address(of:))
    return unsafe Piece(kind: extent.kind, offset: extent.offset, end: extent.end, start: start)
  }

  /// Keeps the bytes of the piece that was asked for last until they are released.
  ///
  /// - Returns: Whether there are slots enough to go on without this one.
  func hold() -> Bool {
    guard 2 * (held.count + 1) <= slotCount else { return false }
    steps[0].isHeld = true
    return true
  }

  /// Gives up what is held of the disk before a place.
  func release(upTo end: UInt64) {
    while let first = held.first, first.end <= end {
      free.append(first.slot)
      held.removeFirst()
    }
    if let first = steps.first, first.extent.end <= end { steps[0].isHeld = false }
  }

  private func address(of slot: Int) -> UnsafeRawPointer {
    unsafe UnsafeRawPointer(pool.unsafeBytes(slot: slot).baseAddress!)
  }

  /// Starts reads while there are free slots, and the rate limit has no objection.
  private func fetch() throws(LaneFailure) {
    while !isPlanned, !free.isEmpty, steps.count < 4 * pool.shape.slotCount {
      if let delay = rateLimit?.delay(.now), delay > 0 { return }
      guard let extent = plan.next() else {
        isPlanned = true
        return
      }
      let slot = extent.kind == .data ? free.removeLast() : nil
      if let slot {
        rateLimit?.take(Int(extent.length))
        do throws(SourceError) {
          try reader.submit(slot: slot, offset: extent.offset, length: Int(extent.length))
        } catch { throw .source(stream: name, error) }
      }
      steps.append(Step(extent: extent, slot: slot, isDone: slot == nil, isZero: slot == nil))
    }
  }

  /// Lets the rate limit's time pass.
  private func rest() throws(LaneFailure) {
    poller.removeAll()
    poller.add(stop.descriptor, .readable)
    let delay = rateLimit?.delay(.now) ?? 0
    do throws(SystemCallError) { _ = try poller.wait(seconds: min(delay, 1)) } catch {
      throw .system("\(error)")
    }
    if stop.isRequested { throw .cancelled }
    try fetch()
  }

  /// Waits until the first step is done.
  private func wait() throws(LaneFailure) {
    let started = MonotonicTime.now
    while true {
      try collect()
      if steps[0].isDone { return }
      poller.removeAll()
      reader.addDescriptors(to: &poller)
      poller.add(stop.descriptor, .readable)
      do throws(SystemCallError) { _ = try poller.wait(seconds: 1) } catch {
        throw .system("\(error)")
      }
      if stop.isRequested { throw .cancelled }
      guard MonotonicTime.now.seconds(since: started) <= stallLimit else {
        throw .sourceStalled(stream: name, seconds: stallLimit)
      }
    }
  }

  private func collect() throws(LaneFailure) {
    var failed: LaneFailure?
    do throws(SourceError) {
      try reader.collect { completion in
        guard let step = steps.firstIndex(where: { $0.slot == completion.slot }) else { return }
        steps[step].isDone = true
        steps[step].isZero = completion.isZero
        guard completion.code != 0 else { return }
        failed =
          failed
          ?? .read(stream: name, offset: steps[step].extent.offset, code: completion.code)
      }
    } catch { throw .source(stream: name, error) }
    if let failed { throw failed }
  }

  /// Waits for what is in flight: the slots are somebody else's then.
  func settle() throws(LaneFailure) {
    while let step = steps.firstIndex(where: { !$0.isDone }) {
      steps.removeFirst(step)
      try wait()
    }
    steps = []
  }
}
