/// Which frames may come now in the answer to one READ, and how they continue it, seen from the
/// host. Does no I/O. Specified in protocol.md §7.
///
/// ```
/// waiting ─OPEN→ open ─DATA, ZERO, DAMAGED→ open ─CLOSE→ closed ─READ_DONE→ done
///    └───────────────────── READ_DONE with an error ────────────────────────→ done
/// ```
/// The answer to a READ of a range begins where it is open, and has no CLOSE.
public struct AnswerStateMachine: Sendable {
  private enum Phase { case waiting, open, closed, done }

  private var phase = Phase.waiting
  private let request: UInt32
  /// 0 if the plugin does not use the pool.
  private let slotCount: UInt32
  private let slotBytes: UInt32
  private let isIncremental: Bool
  private let isRange: Bool
  private var cursor: StreamCursor

  /// - Parameters:
  ///   - request: Sequence number of the READ.
  ///   - size: Bytes of the stream, if JOB_ACK said.
  ///   - isIncremental: The stream may have ranges that are *unchanged*, as JOB_ACK said.
  ///   - slotCount: Slots of the plugin's pool; 0 if it did not accept to use it.
  ///   - slotBytes: Bytes of one.
  public init(
    request: UInt32, size: UInt64?, isIncremental: Bool = false, slotCount: Int, slotBytes: Int
  ) {
    self.request = request
    self.isIncremental = isIncremental
    isRange = false
    cursor = StreamCursor(size: size)
    self.slotCount = UInt32(slotCount)
    self.slotBytes = UInt32(slotBytes)
  }

  /// Of a READ of a range.
  ///
  /// - Parameter range: Not empty; what was asked for.
  public init(
    request: UInt32, range: Range<UInt64>, isIncremental: Bool = false, slotCount: Int,
    slotBytes: Int
  ) {
    self.request = request
    self.isIncremental = isIncremental
    isRange = true
    phase = .open
    cursor = StreamCursor(at: range.lowerBound, size: range.upperBound)
    self.slotCount = UInt32(slotCount)
    self.slotBytes = UInt32(slotBytes)
  }

  /// Whether nothing of the answer is still to come.
  public var isDone: Bool { phase == .done }

  /// Checks that a frame may come now and stays inside the pool, and moves on.
  public mutating func receive(_ frame: StreamFrame) throws(WireError) {
    switch frame {
    case .open:
      guard !isRange else { throw .rangeAnswer(.open) }
      try move(.open, from: .waiting, to: .open)
    case .data(let data):
      try require(.open, .data)
      try require(data.request, .data)
      try checkSlot(data)
      try advance(.data, data.offset, UInt64(data.length))
    case .zero(let zero):
      try require(.open, .zero)
      try require(zero.request, .zero)
      if zero.kind == .unchanged && !isIncremental {
        throw .field(.zero, field: "kind", value: 2)
      }
      try advance(.zero, zero.offset, zero.length)
    case .damaged(let damaged):
      try require(.open, .damaged)
      try require(damaged.request, .damaged)
      try advance(.damaged, damaged.offset, damaged.length)
    case .close(let close):
      guard !isRange else { throw .rangeAnswer(.close) }
      try move(.close, from: .open, to: .closed)
      try cursor.close(close)
      try close.check(isIncremental: isIncremental)
    case .readDone(let done):
      try require(done.request, .readDone)
      if done.status == .none { try requireEnd() }
      phase = .done
    }
  }

  /// A READ succeeds with all that was asked for.
  private func requireEnd() throws(WireError) {
    guard isRange else { return try require(.closed, .readDone) }
    guard cursor.position == cursor.size else { throw .rangeAnswer(.readDone) }
  }

  private mutating func advance(
    _ type: FrameType, _ offset: UInt64, _ length: UInt64
  ) throws(WireError) {
    do throws(WireError) { _ = try cursor.advance(type, offset: offset, length: length) } catch {
      // What is beyond a range need not be beyond its stream.
      guard isRange, case .beyond = error else { throw error }
      throw .rangeAnswer(type)
    }
  }

  private func checkSlot(_ data: DataFrame) throws(WireError) {
    guard case .slot(let slot) = data.place else { return }
    guard slotCount > 0 else {
      throw .notInUse(.data, feature: Feature.sharedMemory.rawValue)
    }
    guard slot < slotCount else { throw .field(.data, field: "slot", value: UInt64(slot)) }
    guard data.length <= slotBytes else {
      throw .field(.data, field: "length", value: UInt64(data.length))
    }
  }

  private mutating func move(_ type: FrameType, from: Phase, to: Phase) throws(WireError) {
    try require(from, type)
    phase = to
  }

  private func require(_ wanted: Phase, _ type: FrameType) throws(WireError) {
    guard phase == wanted else { throw .answer(type) }
  }

  private func require(_ found: UInt32, _ type: FrameType) throws(WireError) {
    guard found == request else {
      throw .field(type, field: "request", value: UInt64(found))
    }
  }
}
