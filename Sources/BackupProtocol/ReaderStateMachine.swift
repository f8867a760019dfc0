/// Which frames a host may send now in read mode, seen from the plugin. Does no I/O. Specified in
/// protocol.md §5.3.
///
/// ```
/// idle ─(a READ's turn)→ answering ─(READ_DONE sent)→ idle ─FINISH, (FINISHED sent)→ finished
/// ```
/// READs may come while one is answered; they wait for their turn.
public struct ReaderStateMachine: Sendable {
  private enum Phase { case idle, answering, finished }

  private var phase = Phase.idle

  /// Starts between two READs.
  public init() {}

  /// Whether FINISHED was sent.
  public var isFinished: Bool { phase == .finished }

  /// Admits a frame that came from the host.
  public func receive(_ type: FrameType) throws(WireError) {
    switch (type, phase) {
    case (.release, _), (.read, .idle), (.read, .answering), (.finish, .idle): return
    case (.read, .finished): throw .state(.read, state: "after FINISHED")
    default: throw .state(type, state: "while a stream is read")
    }
  }

  /// Notes that the turn of a READ has come.
  public mutating func beginAnswer() { phase = .answering }

  /// Notes that the plugin sends READ_DONE.
  public mutating func sentReadDone() { phase = .idle }

  /// Notes that the plugin sends FINISHED, its last word.
  public mutating func sentFinished() { phase = .finished }
}
