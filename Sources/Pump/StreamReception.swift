internal import BackupProtocol
internal import SharedPool
internal import System

/// The answer to one READ of a whole stream, as it comes in. Specified in protocol.md §7.
final class StreamReception: AnswerReception {
  let stream: UInt32
  private let pool: SharedPool
  var assembler: StreamAssembler
  private var states: AnswerStateMachine
  /// Of what was received, once the stream is complete.
  private(set) var digest: Digest?
  /// What the plugin says that it is, in CLOSE.
  private(set) var claimedDigest = Digest.none
  /// Why the plugin could not read it.
  private(set) var status = ErrorCode.none

  /// - Parameters:
  ///   - request: Sequence number of the READ.
  ///   - pool: The plugin's pool.
  ///   - usesPool: Whether the plugin has accepted to use it.
  init(
    stream: UInt32, request: UInt32, pool: SharedPool, usesPool: Bool,
    assembler: consuming StreamAssembler
  ) {
    self.stream = stream
    states = AnswerStateMachine(
      request: request, size: assembler.size, isIncremental: assembler.isIncremental,
      slotCount: usesPool ? pool.shape.slotCount : 0,
      slotBytes: pool.shape.slotBytes)
    self.pool = pool
    self.assembler = assembler
  }

  var isDone: Bool { states.isDone }

  var position: UInt64 { assembler.position }

  func admit(_ frame: StreamFrame) throws(WireError) { try states.receive(frame) }

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
    case .zero(let zero) where zero.kind == .unchanged:
      try assembler.addUnchanged(offset: zero.offset, length: zero.length)
    case .zero(let zero): try assembler.addZeros(offset: zero.offset, length: zero.length)
    case .damaged(let damaged):
      try assembler.addDamaged(
        offset: damaged.offset, length: damaged.length, sanitised(damaged.reason.utf8))
    case .close(let close):
      claimedDigest = close.digest
      digest = try assembler.close(logicalLength: close.logicalLength)
    case .readDone(let done):
      status = done.status
      if done.status != .none { digest = nil }
    }
  }

  /// Nothing more comes of the stream, or what came of it does not count as whole.
  func giveUp(_ reason: String) throws(LaneFailure) -> Digest { try assembler.giveUp(reason) }

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
}
