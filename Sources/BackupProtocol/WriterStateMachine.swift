/// Which frames a host may send now in write mode, seen from the plugin. Does no I/O. Specified in
/// protocol.md §5.2.
///
/// ```
///   ┌──OPEN──→ active ─DATA, ZERO→ active
/// ready ←─CLOSE──┘
///   └──FINISH, (FINISHED sent)→ finished
/// ```
public struct WriterStateMachine: Sendable {
  private enum Phase {
    case ready
    case active(StreamDescription, StreamCursor)
    case finished

    var name: String {
      switch self {
      case .ready: "between streams"
      case .active(let stream, _): "inside stream \(stream.id)"
      case .finished: "after FINISHED"
      }
    }
  }

  private var phase = Phase.ready
  private let streamCount: Int
  /// Streams that have not been closed yet, by id.
  private var left: [UInt32: StreamDescription] = [:]

  /// - Parameter streams: Those of the job.
  public init(_ streams: [StreamDescription]) {
    streamCount = streams.count
    for stream in streams { left[stream.id] = stream }
  }

  /// Whether FINISHED was sent.
  public var isFinished: Bool { if case .finished = phase { true } else { false } }

  /// Admits a frame by its header.
  ///
  /// - Returns: The stream it is about; `nil` for FINISH.
  public mutating func receive(
    _ type: FrameType, stream id: UInt32
  ) throws(WireError) -> StreamDescription? {
    switch (type, phase) {
    case (.extents, .ready) where left.count == streamCount:
      if let stream = left[id] { return stream }
    case (.open, .ready):
      guard let stream = left[id] else {
        throw .field(.open, field: "stream", value: UInt64(id))
      }
      phase = .active(stream, StreamCursor(size: stream.size))
      return stream
    case (.data, .active(let stream, _)), (.zero, .active(let stream, _)),
      (.close, .active(let stream, _)):
      if stream.id == id { return stream }
    case (.finish, .ready) where left.isEmpty: return nil
    default: break
    }
    throw .state(type, state: phase.name)
  }

  /// Takes the range of a DATA or a ZERO of the open stream.
  public mutating func advance(
    _ type: FrameType, offset: UInt64, length: UInt64
  ) throws(WireError) -> Range<UInt64> {
    guard case .active(let stream, var cursor) = phase else {
      throw .state(type, state: phase.name)
    }
    let range = try cursor.advance(type, offset: offset, length: length)
    phase = .active(stream, cursor)
    return range
  }

  /// Takes the CLOSE of the open stream.
  public mutating func close(_ frame: CloseFrame) throws(WireError) {
    guard case .active(let stream, let cursor) = phase else {
      throw .state(.close, state: phase.name)
    }
    try cursor.close(frame)
    try frame.check(isIncremental: stream.isIncremental)
    left[stream.id] = nil
    phase = .ready
  }

  /// Notes that the plugin sends FINISHED, its last word.
  public mutating func sentFinished() { phase = .finished }
}
