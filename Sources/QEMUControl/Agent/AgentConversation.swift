internal import JSON
internal import Synchronization
internal import System

/// What is said over one connection to the guest's agent, one command at a time.
///
/// The agent's answers carry no sender: a late one would be taken for the next command's. So after
/// anything that went wrong nothing counts until the agent has repeated a fresh number
/// (guest-sync-delimited); what came before it is thrown away.
final class AgentConversation: LineHandler {
  typealias Answer = Result<JSONValue, AgentError>
  /// Bytes of a line; the guest is not trusted.
  static let lineLimit = 1 << 20

  /// What an answer must be to count.
  enum Expectation: Equatable {
    /// The repetition of this number, which makes later answers count.
    case number(Int64)
    /// Any, of an agent that is in step.
    case anything
  }

  private struct Waiting {
    let command: String
    let seconds: Double
    let deadline: MonotonicTime
    let expectation: Expectation
    let continuation: CheckedContinuation<Answer, Never>
  }

  private struct State {
    var isInStep = false
    var waiting: Waiting?
    var end: LineEnd?
  }

  let channel: LineChannel
  private let state = Mutex(State())

  init(_ channel: LineChannel) throws(SystemCallError) {
    self.channel = channel
    try channel.start(name: "sluice-agent", self)
  }

  /// Whether answers count already.
  var isInStep: Bool { state.withLock { $0.isInStep } }

  /// Makes nothing count before the next `sync`.
  func fallOutOfStep() { state.withLock { $0.isInStep = false } }

  /// Sends a line and waits for its answer.
  func ask(
    _ command: String, line: [UInt8], _ expectation: Expectation, seconds: Double
  ) async throws(AgentError) -> JSONValue {
    try await withCheckedContinuation { continuation in
      let refusal = state.withLock { state -> AgentError? in
        if let end = state.end { return Self.error(end, command) }
        guard state.waiting == nil else { return .busy(command: command) }
        if expectation != .anything { state.isInStep = false }
        state.waiting = Waiting(
          command: command, seconds: seconds, deadline: .now.advanced(bySeconds: seconds),
          expectation: expectation, continuation: continuation)
        return nil
      }
      if let refusal {
        continuation.resume(returning: .failure(refusal))
      } else {
        channel.send(OutgoingLine(id: "", bytes: line))
      }
    }.get()
  }

  func received(count: Int) {}

  func received(line: [UInt8]) -> Bool {
    // The agent puts 0xFF before the number it repeats: what is before it is somebody's rest.
    let text = line.lastIndex(of: 0xFF).map { line[($0 + 1)...] } ?? line[...]
    let value = try? JSONValue(parsingLeniently: Array(text), depthMax: 16)
    let settled = state.withLock { state -> (Waiting, Answer)? in
      guard let waiting = state.waiting else {
        // Nobody asked: whatever comes next may be as misplaced.
        state.isInStep = false
        return nil
      }
      guard let answer = Self.answer(value, to: waiting) else { return nil }
      state.waiting = nil
      if case .failure(.protocolBroken) = answer { state.isInStep = false }
      if waiting.expectation != .anything { state.isInStep = true }
      return (waiting, answer)
    }
    if let (waiting, answer) = settled { waiting.continuation.resume(returning: answer) }
    return true
  }

  /// The answer a line gives to what is waited for, `nil` if it gives none.
  private static func answer(_ value: JSONValue?, to waiting: Waiting) -> Answer? {
    if case .number(let number) = waiting.expectation {
      return value?["return"]?.integer == number ? .success(.null) : nil
    }
    if let result = value?["return"] { return .success(result) }
    guard let error = value?["error"] else {
      return .failure(.protocolBroken(what: "malformed answer to \(waiting.command)"))
    }
    return .failure(
      .refused(command: waiting.command, words: error["desc"]?.string ?? error.text))
  }

  func expire(now: MonotonicTime) -> MonotonicTime? {
    let (late, next) = state.withLock { state -> (Waiting?, MonotonicTime?) in
      guard let waiting = state.waiting else { return (nil, nil) }
      guard waiting.deadline <= now else { return (nil, waiting.deadline) }
      state.waiting = nil
      state.isInStep = false
      return (waiting, nil)
    }
    late?.continuation.resume(
      returning: .failure(
        .notInTime(command: late?.command ?? "", seconds: late?.seconds ?? 0)))
    return next
  }

  func ended(_ end: LineEnd) {
    let waiting = state.withLock { state in
      state.end = end
      defer { state.waiting = nil }
      return state.waiting
    }
    if let waiting {
      waiting.continuation.resume(returning: .failure(Self.error(end, waiting.command)))
    }
  }

  private static func error(_ end: LineEnd, _ doing: String) -> AgentError {
    switch end {
    case .endless(let limit): .protocolBroken(what: "a line of more than \(limit) bytes")
    case .system(let error): .system(error)
    case .hungUp, .closed, .abandoned: .disconnected(doing: doing)
    }
  }
}
