internal import BackupProtocol
internal import SharedPool

/// Who listens to what is said between the host and all plugins of a job.
package struct SessionListeners: Sendable {
  /// Writes it in words.
  package var trace: FrameTrace?
  /// Writes it byte by byte.
  package var recorder: SessionRecorder?
  /// How many increments lie above the archive that a plugin reads: a chain has a reader for each.
  package var depth = 0

  package init() {}
}

/// Those who listen to one session.
struct SessionEars {
  private let plugin: String
  private let trace: FrameTrace?
  private let recorder: SessionRecorder?
  private let number: Int
  private let pool: SharedPool?

  /// - Returns: `nil` if nobody listens.
  init?(_ listeners: SessionListeners, plugin: String, pool: SharedPool?) {
    if listeners.trace == nil && listeners.recorder == nil { return nil }
    let name = listeners.depth == 0 ? plugin : "\(plugin)(parent \(listeners.depth))"
    self.plugin = name
    self.pool = pool
    trace = listeners.trace
    recorder = listeners.recorder
    number = recorder?.begin(name) ?? 0
  }

  /// A frame has passed.
  func hear(_ direction: RecordingLine.Direction, _ header: FrameHeader, _ payload: RawSpan) {
    let words = header.words(payload)
    trace?.write(plugin, direction.rawValue, words)
    guard let recorder else { return }
    let data = header.type == .data ? try? DataFrame(parsing: payload) : nil
    recorder.write(
      number, .frame(direction, frame(header, payload, data)), comment: words,
      slot: data.flatMap { slot($0) })
  }

  /// Bytes have passed that are no frame, and so are all that follow.
  func lose(_ direction: RecordingLine.Direction, _ error: WireError, _ bytes: RawSpan) {
    let words = "cannot be understood: \(error) (\(error.rule.citation))"
    trace?.write(plugin, direction.rawValue, words)
    let most = min(bytes.byteCount, 1 << 20)
    recorder?.write(
      number, .unreadable(direction, RecordedBytes(bytes.extracting(0..<most))), comment: words)
  }

  /// Something is known of the process.
  func hear(process words: String) {
    trace?.write(plugin, "--", words)
    recorder?.write(number, .process(words))
  }

  private func frame(
    _ header: FrameHeader, _ payload: RawSpan, _ data: DataFrame?
  ) -> RecordedBytes {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(FrameHeader.byteCount + payload.byteCount)
    header.append(to: &bytes)
    bytes += payload.allBytes
    let isPrivate = recorder?.hasContents == false && data?.place == .inline
    let kept = isPrivate ? FrameHeader.byteCount + (data?.inlineOffset ?? 0) : nil
    return unsafe RecordedBytes(bytes.span.bytes, keeping: kept)
  }

  /// What a DATA says is in its slot. The other side may change it meanwhile: it is evidence, and
  /// nothing is decided by it.
  private func slot(_ data: DataFrame) -> RecordingLine.Event? {
    guard case .slot(let slot) = data.place, let pool, slot < pool.shape.slotCount,
      data.length <= pool.shape.slotBytes
    else { return nil }
    let bytes = unsafe Array(pool.unsafeBytes(slot: Int(slot)).prefix(Int(data.length)))
    let kept = recorder?.hasContents == false ? 0 : nil
    return unsafe .slot(Int(slot), RecordedBytes(bytes.span.bytes, keeping: kept))
  }
}
