/// Which frames a plugin may send now, seen from the host. Does no I/O.
/// Specified in protocol.md §5.4.
///
/// ```
/// greeting ─HELLO_ACK→ accepting ─JOB_ACK→ running ─(FINISH sent)→ finishing ─FINISHED→ finished
///     └──────────── ABORT sent in any of them ────────────→ aborting ─ABORTED→ aborted
/// ```
public struct HostStateMachine: Sendable {
  /// Where the conversation is.
  public enum Phase: String, Sendable {
    case greeting, accepting, running, finishing, finished, aborting, aborted
  }

  /// Where the conversation is now.
  public private(set) var phase: Phase = .greeting
  /// What the job is: it decides who produces.
  public let mode: Job.Mode
  /// Whether JOB asks for what a damaged archive still holds.
  private let salvages: Bool

  /// Starts with the greeting.
  public init(mode: Job.Mode, salvages: Bool = false) {
    self.mode = mode
    self.salvages = salvages
  }

  /// Admits a frame that came from the plugin, and moves on.
  ///
  /// - Throws: `WireError.state` when this frame may not come now; the session is lost.
  public mutating func receive(_ type: FrameType) throws(WireError) {
    if phase == .finished || phase == .aborted {
      throw .afterEnd(type, ended: phase == .finished ? "FINISHED" : "ABORTED")
    }
    if type.isIgnorable { return }
    switch type {
    case .error, .busy: return
    case .helloAck: try move(type, from: .greeting, to: .accepting)
    case .jobAck: try move(type, from: .accepting, to: .running)
    case .finished: try move(type, from: .finishing, to: .finished)
    case .aborted: try move(type, from: .aborting, to: .aborted)
    // The host offers no checkpoints.
    case .checkpointAck: throw .notInUse(type, feature: Feature.checkpoint.rawValue)
    case .release: try admit(type, when: mode == .write)
    case .open, .data, .zero, .close, .readDone: try admit(type, when: mode != .write)
    case .damaged:
      guard salvages else { throw .state(type, state: "unless JOB asks for a salvage") }
      try admit(type, when: mode == .read)
    default: throw .state(type, state: "from a plugin")
    }
  }

  /// Notes that the host has sent FINISH.
  public mutating func sentFinish() { if phase == .running { phase = .finishing } }

  /// Notes that the host has sent ABORT: answers to what came before are still on their way.
  public mutating func sentAbort() {
    if phase != .finished && phase != .aborted { phase = .aborting }
  }

  private mutating func move(
    _ type: FrameType, from: Phase, to: Phase
  ) throws(WireError) {
    // What was sent before the plugin saw ABORT is admitted and of no consequence.
    if phase == .aborting && from != .aborting { return }
    guard phase == from else { throw .state(type, state: "while \(phase.rawValue)") }
    phase = to
  }

  private func admit(_ type: FrameType, when isOfMode: Bool) throws(WireError) {
    guard isOfMode else { throw .state(type, state: "in \(mode.rawValue) mode") }
    guard phase == .running || phase == .finishing || phase == .aborting else {
      throw .state(type, state: "while \(phase.rawValue)")
    }
  }
}
