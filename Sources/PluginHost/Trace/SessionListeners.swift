internal import BackupProtocol
package import SharedPool
internal import System

/// Who listens to what is said between the host and all plugins of a job.
package struct SessionListeners: Sendable {
  /// Writes it in words.
  package var trace: (any TraceTaker)?
  /// Writes it byte by byte.
  package var recorder: SessionRecorder?
  /// Hears all that plugins say about themselves; `nil` if only warnings are wanted.
  package var lines: (@Sendable (PluginLine) -> Void)?
  /// How many increments lie above the archive that a plugin reads: a chain has a reader for each.
  package var depth = 0

  package init() {}

  /// How a plugin is called where several may read one chain.
  func name(of plugin: String) -> String {
    depth == 0 ? plugin : "\(plugin)(parent \(depth))"
  }
}

/// Those who listen to one session.
package struct SessionEars {
  private let plugin: String
  private let trace: (any TraceTaker)?
  private let recorder: SessionRecorder?
  private let number: Int
  private let pool: SharedPool?

  /// - Returns: `nil` if nobody listens.
  package init?(_ listeners: SessionListeners, plugin: String, pool: SharedPool?) {
    if listeners.trace == nil && listeners.recorder == nil { return nil }
    let name = listeners.name(of: plugin)
    self.plugin = name
    self.pool = pool
    trace = listeners.trace
    recorder = listeners.recorder
    number = recorder?.begin(name) ?? 0
  }

  /// A frame has passed.
  func hear(_ direction: RecordingLine.Direction, _ header: FrameHeader, _ payload: RawSpan) {
    let words = header.words(payload)
    write(direction.rawValue, words)
    guard let recorder else { return }
    let data = header.type == .data ? try? DataFrame(parsing: payload) : nil
    recorder.write(
      number, .frame(direction, frame(header, payload, data)), comment: words,
      slot: data.flatMap { slot($0) })
  }

  /// Bytes have passed that are no frame, and so are all that follow.
  func lose(_ direction: RecordingLine.Direction, _ error: WireError, _ bytes: RawSpan) {
    let words = "cannot be understood: \(error) (\(error.rule.citation))"
    write(direction.rawValue, words)
    let most = min(bytes.byteCount, 1 << 20)
    recorder?.write(
      number, .unreadable(direction, RecordedBytes(bytes.extracting(0..<most))), comment: words)
  }

  /// Something is known of the process.
  package func hear(process words: String) {
    write("--", words)
    recorder?.write(number, .process(words))
  }

  private func write(_ arrow: String, _ words: String) {
    trace?.take(TraceLine(time: .now, plugin: plugin, arrow: arrow, words: words))
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
