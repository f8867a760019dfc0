internal import BackupProtocol
internal import SharedPool

/// The answer to one READ of a whole stream, as it comes in.
///
/// ```
/// waiting ─OPEN→ open ─DATA, ZERO→ open ─CLOSE→ closed ─READ_DONE→ done
///    └──────────────── READ_DONE with an error ────────────────────→ done
/// ```
/// Specified in protocol.md §7.
final class StreamReception {
  private enum State { case waiting, open, closed, done }

  let stream: UInt32
  private let request: UInt32
  private let pool: SharedPool
  var assembler: StreamAssembler
  private var state = State.waiting
  /// Of what was received, once the stream is complete.
  private(set) var digest: Digest?
  /// Why the plugin could not read it.
  private(set) var status = ErrorCode.none

  /// - Parameters:
  ///   - request: Sequence number of the READ.
  ///   - pool: The plugin's pool.
  init(stream: UInt32, request: UInt32, pool: SharedPool, assembler: consuming StreamAssembler) {
    self.stream = stream
    self.request = request
    self.pool = pool
    self.assembler = assembler
  }

  var isDone: Bool { state == .done }

  /// Checks that a frame may come now and stays inside the pool.
  func admit(_ frame: StreamFrame) throws(WireError) {
    switch frame {
    case .open: try move(.open, from: .waiting, to: .open)
    case .data(let data):
      try require(.open, .data)
      try require(data.request, .data)
      try admit(data)
    case .zero(let zero):
      try require(.open, .zero)
      try require(zero.request, .zero)
      // The host resolves what is unchanged from the parent; a reader never says so.
      if zero.kind == .unchanged { throw .field(.zero, field: "kind", value: 2) }
    case .close: try move(.close, from: .open, to: .closed)
    case .readDone(let done):
      try require(done.request, .readDone)
      if done.status == .none { try require(.closed, .readDone) }
      state = .done
    }
  }

  /// Takes an admitted frame.
  ///
  /// - Throws: `LaneFailure` when the archive is not what it should be, or the target fails.
  func take(_ frame: StreamFrame, _ payload: RawSpan) throws(LaneFailure) {
    switch frame {
    case .open: break
    case .data(let data):
      if case .slot(let slot) = data.place {
        let bytes = unsafe UnsafeRawBufferPointer(pool.unsafeBytes(slot: Int(slot)))
        try unsafe assembler.add(data, payload: payload, source: bytes)
      } else {
        try addInline(data, payload)
      }
    case .zero(let zero): try assembler.addZeros(offset: zero.offset, length: zero.length)
    case .close(let close): digest = try assembler.close(logicalLength: close.logicalLength)
    case .readDone(let done):
      status = done.status
      if done.status != .none { digest = nil }
    }
  }

  private func addInline(_ data: DataFrame, _ payload: RawSpan) throws(LaneFailure) {
    let inline = payload.extracting(data.inlineOffset..<payload.byteCount)
    var failure: LaneFailure?
    unsafe inline.withUnsafeBytes { bytes in
      do throws(LaneFailure) {
        try unsafe assembler.add(data, payload: payload, source: bytes)
      } catch { failure = error }
    }
    if let failure { throw failure }
  }

  private func admit(_ data: DataFrame) throws(WireError) {
    guard case .slot(let slot) = data.place else { return }
    guard slot < pool.shape.slotCount else {
      throw .field(.data, field: "slot", value: UInt64(slot))
    }
    guard data.length <= pool.shape.slotBytes else {
      throw .field(.data, field: "length", value: UInt64(data.length))
    }
  }

  private func move(_ type: FrameType, from: State, to: State) throws(WireError) {
    try require(from, type)
    state = to
  }

  private func require(_ wanted: State, _ type: FrameType) throws(WireError) {
    guard state == wanted else { throw .state(type, state: "here in the answer to a READ") }
  }

  private func require(_ found: UInt32, _ type: FrameType) throws(WireError) {
    guard found == request else {
      throw .field(type, field: "request", value: UInt64(found))
    }
  }
}
