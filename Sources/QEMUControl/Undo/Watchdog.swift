internal import CLinux
internal import Glibc
internal import System

/// The work of `sluice-watchdog`; in the library, so that its executable is a few lines.
package enum Watchdog {
  /// Seconds for the whole cleanup after the coordinator's death.
  package static let seconds = 5.0

  /// Whether the coordinator gave an agent's socket along.
  ///
  /// To be asked before anything asynchronous begins: what the runtime opens for itself takes the
  /// lowest free number, and looked like a socket then.
  package static var hasAgent: Bool { isOpen(WatchdogProcess.Descriptor.agent) }

  /// Waits for the coordinator's farewell or its death, and cleans up after the latter.
  ///
  /// - Parameters:
  ///   - mark: The job.
  ///   - journal: Its path.
  ///   - hasAgent: ``hasAgent`` as it was at the start.
  /// - Returns: `nil` after a farewell; else what was done, for people, and whether it succeeded.
  package static func watch(
    _ mark: JobMark, journal: String, hasAgent: Bool
  ) async -> (words: String, isClean: Bool)? {
    if hearsFarewell() { return nil }
    let deadline = MonotonicTime.now.advanced(bySeconds: seconds - 0.3)
    let qmp = OwnedDescriptor(adopting: WatchdogProcess.Descriptor.qmp)
    let agent =
      hasAgent ? OwnedDescriptor(adopting: WatchdogProcess.Descriptor.agent) : nil
    switch await adopt(mark, journal, until: deadline) {
    case .removed: return ("job \(mark.id): sluice exited after cleaning up", true)
    case .adopted(let journal):
      return await act(
        mark, journal, journal.contents, qmp: qmp, agent: agent, until: deadline)
    case .unlocked(let contents):
      return await act(mark, nil, contents, qmp: qmp, agent: agent, until: deadline)
    }
  }

  private enum Adoption {
    case removed
    case adopted(Journal)
    /// It cannot be locked, or not be read at all.
    case unlocked(JournalContents?)
  }

  /// Reads the lifeline to its end.
  private static func hearsFarewell() -> Bool {
    var byte: UInt8 = 0
    // Safe because: one byte is what the pointer has room for.
    let count = unsafe clinux_read(WatchdogProcess.Descriptor.lifeline, &byte, 1)
    return count == 1 && byte == WatchdogProcess.farewell
  }

  private static func isOpen(_ descriptor: Int32) -> Bool {
    (try? FileStatus(descriptor: descriptor, subject: "")) != nil
  }

  /// Takes the journal's lock over: the dead one's locks go a moment after its pipes, and somebody
  /// else may take the job down already.
  private static func adopt(
    _ mark: JobMark, _ path: String, until deadline: MonotonicTime
  ) async -> Adoption {
    while true {
      switch try? Journal.look(at: path, mark) {
      case .stale(let journal): return .adopted(journal)
      case .absent: return .removed
      case nil: return .unlocked(nil)
      case .live(let contents):
        // The rest of the time is for acting, whoever holds the lock.
        if deadline.seconds(since: .now) < 2 { return .unlocked(contents) }
        await pause(milliseconds: 10)
      }
    }
  }

  private static func act(
    _ mark: JobMark, _ journal: Journal?, _ contents: JournalContents?,
    qmp: consuming OwnedDescriptor, agent: consuming OwnedDescriptor?, until deadline: MonotonicTime
  ) async -> (words: String, isClean: Bool) {
    let thawing = Task { [agent = agent.take()?.release()] in
      await thaw(agent, isFrozen: contents?.isFrozen ?? true, until: deadline)
    }
    let outcome = await takeDown(mark, contents, qmp, until: deadline)
    let thawed = await thawing.value
    let isClean = outcome.isClean && thawed.isClean
    if isClean { journal?.remove() }
    var words = Self.words(mark, outcome) + (thawed.words.map { "; \($0)" } ?? "")
    if !isClean, let qmp = contents?.qmp { words += "; try sluice recover --qmp \(qmp)" }
    return (words, isClean)
  }

  private static func takeDown(
    _ mark: JobMark, _ contents: JournalContents?, _ qmp: consuming OwnedDescriptor,
    until deadline: MonotonicTime
  ) async -> TakeDownOutcome {
    do throws(QMPError) {
      let monitor = try QMPClient.takeOver(qmp, idPrefix: "sluice-watchdog-")
      var knowledge = contents?.knowledge ?? TakeDown.Knowledge()
      var outcome = await TakeDown.run(
        monitor, of: mark, knowing: knowledge, seconds: deadline.seconds(since: .now))
      // The guest runs, and QEMU has an end to come to, however large the RAM is.
      knowledge.vmState?.isPaused = false
      while outcome.awaitsMigration {
        let next = await TakeDown.run(monitor, of: mark, knowing: knowledge, seconds: seconds)
        outcome.left = next.left
        outcome.failure = next.failure
      }
      return outcome
    } catch {
      var outcome = TakeDownOutcome()
      outcome.failure = .qmp(error)
      return outcome
    }
  }

  private static func thaw(
    _ socket: Int32?, isFrozen: Bool, until deadline: MonotonicTime
  ) async -> ThawOutcome {
    guard let socket else { return .notNeeded }
    let owned = OwnedDescriptor(adopting: socket)
    guard isFrozen else { return .notNeeded }
    do throws(AgentError) {
      let agent = try GuestAgent.takeOver(owned)
      return .thawed(filesystems: try await agent.thaw(seconds: deadline.seconds(since: .now)))
    } catch {
      return .failed(error)
    }
  }

  private static func words(_ mark: JobMark, _ outcome: TakeDownOutcome) -> String {
    // Killed, or at its end with something left to do: from here both look the same.
    var words = "job \(mark.id): sluice exited before cleaning up; "
    if outcome.isQEMUGone { return words + "QEMU has exited too" }
    let count = outcome.removed.count
    words += count == 0 ? "no leftovers in QEMU" : "\(count) leftovers removed from QEMU"
    if outcome.hasContinuedGuest { words += "; guest resumed" }
    if !outcome.left.isEmpty { words += "; still in QEMU: \(outcome.left.joined(separator: ", "))" }
    if let failure = outcome.failure { words += "; \(failure)" }
    return words
  }
}
