internal import JSON
internal import JobSupport
internal import QEMUControl
internal import Synchronization
internal import System

/// Quiesces the filesystems of a guest, from just before the point in time to just after it.
final class GuestQuiesce: Sendable {
  /// Seconds a guest may take to write out what it has and to stop writing.
  static let freezeSeconds = 10.0
  /// Seconds for an answer to the thaw.
  static let thawSeconds = 3.0

  private struct State {
    var frozenAt: MonotonicTime?
    var seconds: Double?
  }

  private let agent: GuestAgent?
  private let journal: Journal
  private let events: EventSink
  private let state = Mutex(State())
  private let thawing = Mutex<Task<Bool, Never>?>(nil)

  init(agent: GuestAgent?, journal: Journal, events: @escaping EventSink) {
    self.agent = agent
    self.journal = journal
    self.events = events
  }

  /// Seconds for which the filesystems were frozen; `nil` if they were not.
  var seconds: Double? { state.withLock { $0.seconds } }

  /// Whether they are frozen now, as far as we know.
  var isFrozen: Bool { state.withLock { $0.frozenAt != nil } }

  /// Freezes; nothing happens without an agent.
  func freeze() async throws(AgentError) {
    guard let agent else { return }
    // Before: a death between the two leaves a thaw too many, which does no harm.
    try? journal.update { $0.isFrozen = true }
    state.withLock { $0.frozenAt = .now }
    do throws(AgentError) {
      let count = try await agent.freeze(seconds: Self.freezeSeconds)
      events(
        .guest(
          GuestStep(
            "frozen", "\(count) guest filesystem\(count == 1 ? "" : "s") frozen",
            ["filesystems": .integer(Int64(count))])))
    } catch {
      // The agent was sent a thaw after the freeze, which may still be executed.
      noteThawed(counts: false)
      throw error
    }
  }

  /// Thaws what is frozen; nothing happens otherwise. Concurrent callers wait for the same thaw.
  ///
  /// - Returns: Whether nothing is frozen any more.
  func thaw() async -> Bool {
    guard let agent, isFrozen else { return true }
    let task = thawing.withLock { running in
      if let running { return running }
      let task = Task.detached { await self.thaw(by: agent) }
      running = task
      return task
    }
    return await task.value
  }

  private func thaw(by agent: GuestAgent) async -> Bool {
    defer { thawing.withLock { $0 = nil } }
    guard isFrozen else { return true }
    do throws(AgentError) {
      _ = try await agent.thaw(seconds: Self.thawSeconds)
    } catch {
      events(.warning("cannot thaw the guest: \(error)"))
      // Where the connection has ended QEMU has too.
      if case .disconnected = error { return true }
      return false
    }
    noteThawed(counts: true)
    let milliseconds = Int(((seconds ?? 0) * 1000).rounded())
    events(
      .guest(
        GuestStep(
          "thawed", "guest filesystems thawed after \(milliseconds) ms",
          ["milliseconds": .integer(Int64(milliseconds))])))
    return true
  }

  private func noteThawed(counts: Bool) {
    state.withLock { state in
      if counts, let at = state.frozenAt { state.seconds = MonotonicTime.now.seconds(since: at) }
      state.frozenAt = nil
    }
    try? journal.update { $0.isFrozen = false }
  }
}
