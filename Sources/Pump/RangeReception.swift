internal import BackupProtocol
internal import SharedPool

/// The answer to one READ of a range, as it comes in: bytes go to memory that the plugin cannot
/// touch, and stay there. Specified in protocol.md §7.2.
@safe final class RangeReception: AnswerReception {
  let stream: UInt32
  let range: Range<UInt64>
  private(set) var position: UInt64
  /// Why the plugin could not read it.
  private(set) var status = ErrorCode.none
  /// Whether nothing but zeros came.
  private(set) var isZero = true
  private let pool: SharedPool
  /// As many bytes as the range has.
  private let memory: UnsafeMutableRawBufferPointer
  private var states: AnswerStateMachine

  /// - Parameters:
  ///   - request: Sequence number of the READ.
  ///   - pool: The plugin's pool.
  ///   - usesPool: Whether the plugin has accepted to use it.
  ///   - memory: At least as many bytes as the range has, all of which are written.
  init(
    stream: UInt32, range: Range<UInt64>, request: UInt32, pool: SharedPool, usesPool: Bool,
    memory: UnsafeMutableRawBufferPointer
  ) {
    self.stream = stream
    self.range = range
    position = range.lowerBound
    self.pool = pool
    unsafe self.memory = UnsafeMutableRawBufferPointer(rebasing: memory[..<range.count])
    states = AnswerStateMachine(
      request: request, range: range, slotCount: usesPool ? pool.shape.slotCount : 0,
      slotBytes: pool.shape.slotBytes)
  }

  var isDone: Bool { states.isDone }

  func admit(_ frame: StreamFrame) throws(WireError) { try states.receive(frame) }

  func take(_ frame: StreamFrame, _ payload: RawSpan) {
    switch frame {
    case .data(let data):
      if case .slot(let slot) = data.place {
        unsafe put(
          data, payload, UnsafeRawBufferPointer(pool.unsafeBytes(slot: Int(slot))))
      } else {
        let inline = payload.extracting(data.inlineOffset..<payload.byteCount)
        unsafe inline.withUnsafeBytes { unsafe put(data, payload, $0) }
      }
    case .zero(let zero): clear(zero.length)
    case .readDone(let done): status = done.status
    // A session that is no salvage has none of the first, and the answer none of the others.
    case .damaged, .open, .close: break
    }
  }

  /// Copies the bytes of a frame. Blocks that a mask leaves out are zeros, whatever is in the
  /// plugin's memory.
  private func put(_ data: DataFrame, _ payload: RawSpan, _ source: UnsafeRawBufferPointer) {
    let count = Int(data.length)
    let target = unsafe place(count)
    unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<count]))
    isZero = false
    position += UInt64(count)
    guard data.maskCount > 0 else { return }
    var end = 0
    while let run = BlockMask.nextRun(
      from: end, byteCount: count, { data.mask($0, in: payload).complement })
    {
      unsafe UnsafeMutableRawBufferPointer(rebasing: target[run])
        .initializeMemory(as: UInt8.self, repeating: 0)
      end = run.upperBound
    }
  }

  private func clear(_ count: UInt64) {
    unsafe place(Int(count)).initializeMemory(as: UInt8.self, repeating: 0)
    position += count
  }

  /// Where the next bytes go.
  private func place(_ count: Int) -> UnsafeMutableRawBufferPointer {
    let start = Int(position - range.lowerBound)
    return unsafe UnsafeMutableRawBufferPointer(rebasing: memory[start..<(start + count)])
  }
}
