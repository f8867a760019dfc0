internal import JSON
internal import Synchronization
internal import System

/// What is said over one connection to QEMU: who waits for which answer, who hears events.
final class QMPConversation: LineHandler {
  typealias Answer = Result<JSONValue, QMPError>
  /// Commands that may wait for an answer at one time.
  static let waitingCountMax = 1024
  /// Bytes of a line; `query-qmp-schema` is about 250 KB, this is far above.
  static let lineLimit = 16 << 20
  /// What waits for the greeting is no command, but is kept like one.
  static let greeting = "the greeting"

  private struct Waiting {
    let command: String
    let seconds: Double
    let deadline: MonotonicTime
    let continuation: CheckedContinuation<Answer, Never>
  }

  private struct State {
    var isGreeted: Bool
    /// The first line may be the rest of one that somebody else began to read: QEMU sends what it
    /// owed to the client before to the next one, ahead of its greeting.
    var toleratesGarbage = true
    var receivedCount = 0
    var lastNumber = 0
    var waiting: [String: Waiting] = [:]
    var subscriptions: [Int: EventSubscription] = [:]
    var end: LineEnd?
    /// Why we ended it ourselves.
    var broken: QMPError?
  }

  let channel: LineChannel
  private let path: String
  private let idPrefix: String
  private let state: Mutex<State>

  /// - Parameter isTakenOver: Another program has had the greeting, and may have left half lines.
  init(
    _ channel: LineChannel, path: String, idPrefix: String, isTakenOver: Bool
  ) throws(SystemCallError) {
    self.channel = channel
    self.path = path
    self.idPrefix = idPrefix
    state = Mutex(State(isGreeted: isTakenOver))
    try channel.start(name: "sluice-qmp", self)
  }

  // Asking.

  /// Waits for QEMU's first word.
  func greeting(since start: MonotonicTime, seconds: Double) async throws(QMPError) {
    _ = try await withCheckedContinuation { continuation in
      let isGreeted = state.withLock { state in
        if !state.isGreeted && state.end == nil {
          state.waiting[Self.greeting] = Waiting(
            command: Self.greeting, seconds: seconds,
            deadline: start.advanced(bySeconds: seconds), continuation: continuation)
          return nil as Answer?
        }
        return state.isGreeted ? .success(.null) : .failure(lost(Self.greeting, state))
      }
      if let isGreeted { continuation.resume(returning: isGreeted) } else { channel.wake() }
    }.get()
  }

  /// Sends a command and waits for its answer.
  func ask(
    _ command: String, _ arguments: JSONObject, seconds: Double, passing descriptor: Int32?
  ) async throws(QMPError) -> JSONValue {
    try await withCheckedContinuation { continuation in
      let refusal = state.withLock { state -> QMPError? in
        if state.end != nil { return lost(command, state) }
        guard state.waiting.count < Self.waitingCountMax else {
          return .busy(command: command, waiting: state.waiting.count)
        }
        state.lastNumber += 1
        let id = "\(idPrefix)\(state.lastNumber)"
        state.waiting[id] = Waiting(
          command: command, seconds: seconds, deadline: .now.advanced(bySeconds: seconds),
          continuation: continuation)
        let line = Self.line(command, arguments, id)
        channel.send(OutgoingLine(id: id, bytes: line, descriptor: descriptor))
        return nil
      }
      if let refusal { continuation.resume(returning: .failure(refusal)) }
    }.get()
  }

  private static func line(_ command: String, _ arguments: JSONObject, _ id: String) -> [UInt8] {
    var object: JSONObject = ["execute": .string(command), "id": .string(id)]
    if !arguments.members.isEmpty { object["arguments"] = .object(arguments) }
    return JSONValue.object(object).serialised() + [UInt8(ascii: "\n")]
  }

  /// Adds a subscriber, who hears what comes from now on.
  func subscribe() -> AsyncStream<QMPEvent> {
    let (stream, continuation) = AsyncStream.makeStream(
      of: QMPEvent.self, bufferingPolicy: .bufferingNewest(EventSubscription.eventCountMax))
    let number = state.withLock { state -> Int? in
      guard state.end == nil else { return nil }
      state.lastNumber += 1
      state.subscriptions[state.lastNumber] = EventSubscription(continuation)
      return state.lastNumber
    }
    guard let number else {
      continuation.finish()
      return stream
    }
    continuation.onTermination = { [weak self] _ in
      self?.state.withLock { _ = $0.subscriptions.removeValue(forKey: number) }
    }
    return stream
  }

  // Hearing, on the thread of the channel.

  func received(count: Int) { state.withLock { $0.receivedCount += count } }

  func received(line: [UInt8]) -> Bool {
    // An empty line is a space between words.
    if line.isEmpty || line == [UInt8(ascii: "\r")] { return true }
    let message = QMPMessage(parsing: line)
    let isFirst = state.withLock { state in
      defer { state.toleratesGarbage = false }
      return state.toleratesGarbage
    }
    switch message {
    case .greeting: greeted()
    case .returned(let id?, let value): answer(id, .success(value))
    case .failed(let id?, let errorClass, let words): refuse(id, errorClass, words)
    // Answers without our id belong to nobody here.
    case .returned, .failed: break
    case .event(let event): deliver(event)
    case .foreign(let what): return isFirst || broke(what)
    }
    return true
  }

  private func greeted() {
    state.withLock { $0.isGreeted = true }
    answer(Self.greeting, .success(.null))
  }

  private func broke(_ what: String) -> Bool {
    state.withLock { state in
      state.broken = state.isGreeted ? .protocolBroken(what: what) : .notQMP(path: path, what: what)
    }
    return false
  }

  private func answer(_ id: String, _ answer: Answer) {
    // A late answer to a command that was given up has nobody waiting.
    let waiting = state.withLock { $0.waiting.removeValue(forKey: id) }
    waiting?.continuation.resume(returning: answer)
  }

  private func refuse(_ id: String, _ errorClass: String, _ words: String) {
    let command = state.withLock { $0.waiting[id]?.command } ?? ""
    answer(id, .failure(.refused(command: command, class: errorClass, words: words)))
  }

  private func deliver(_ event: QMPEvent) {
    state.withLock { state in
      for number in state.subscriptions.keys { state.subscriptions[number]?.deliver(event) }
    }
  }

  // Ending, on the thread of the channel.

  func expire(now: MonotonicTime) -> MonotonicTime? {
    let (late, next, received) = state.withLock { state in
      let late = state.waiting.filter { $0.value.deadline <= now }
      for id in late.keys { state.waiting.removeValue(forKey: id) }
      return (late, state.waiting.values.map(\.deadline).min(), state.receivedCount)
    }
    for (id, waiting) in late {
      channel.withdraw(id)
      waiting.continuation.resume(returning: .failure(overdue(waiting, received)))
    }
    return next
  }

  private func overdue(_ waiting: Waiting, _ receivedCount: Int) -> QMPError {
    if waiting.command != Self.greeting {
      return .notInTime(command: waiting.command, seconds: waiting.seconds)
    }
    if receivedCount == 0 { return .occupied(path: path, seconds: waiting.seconds) }
    return .notQMP(path: path, what: "received \(receivedCount) bytes that are not a greeting")
  }

  func ended(_ end: LineEnd) {
    let (waiting, subscriptions, state) = state.withLock { state in
      state.end = end
      defer {
        state.waiting = [:]
        state.subscriptions = [:]
      }
      return (state.waiting, state.subscriptions, state)
    }
    for one in waiting.values {
      one.continuation.resume(returning: .failure(lost(one.command, state)))
    }
    for subscription in subscriptions.values { subscription.continuation.finish() }
  }

  private func lost(_ doing: String, _ state: State) -> QMPError {
    switch state.end {
    case .endless(let limit):
      let what = "a line of more than \(limit) bytes"
      return state.isGreeted ? .protocolBroken(what: what) : .notQMP(path: path, what: what)
    case .system(let error): return .system(error)
    case .hungUp, .closed, .abandoned, nil: return state.broken ?? .disconnected(doing: doing)
    }
  }
}
