internal import BackupProtocol
internal import Sandbox
internal import System

/// The timeouts of a plugin. Times are instants of the monotonic clock.
struct SessionDeadlines {
  /// The next answer that is awaited with a fixed time limit.
  var answer: (awaiting: String, by: MonotonicTime, seconds: Double)?
  /// Last sign of life while the plugin owed something.
  private(set) var lastProgress: MonotonicTime
  /// BUSY: until then silence is announced.
  var busyUntil: MonotonicTime?
  /// Seconds of BUSY that may still be asked for, for the present debt.
  private var busyLeft = Self.busySecondsMax
  private static let busySecondsMax = 3600.0
  /// DATA, releases and answers since BUSY could last got its hour back.
  private var moves = 0
  /// Since when FINISHED is owed.
  private(set) var finishSent: MonotonicTime?
  var hasWarned = false
  /// Most bytes that were ever seen stored.
  private var storedBytesMax: Int64 = 0
  /// When the process is killed, once it is being ended.
  var kill: MonotonicTime?
  /// When descriptor 3 is closed, once ABORT was sent.
  var closeOutput: MonotonicTime?

  init(now: MonotonicTime, patience: PluginSession.Patience) {
    lastProgress = now
    answer = ("HELLO_ACK", now.advanced(bySeconds: patience.helloAck), patience.helloAck)
  }

  /// Seconds of BUSY that were granted for the present debt.
  var busySpent: Double { Self.busySecondsMax - busyLeft }

  /// Something moved that counts.
  mutating func progressed(_ now: MonotonicTime) {
    lastProgress = now
    hasWarned = false
  }

  /// A frame came that counts. What was owed when BUSY had its whole hour is paid with as many
  /// frames as there are slots: only then a new hour begins.
  mutating func moved(of slotCount: Int, _ now: MonotonicTime) {
    progressed(now)
    moves += 1
    guard moves >= slotCount else { return }
    moves = 0
    busyLeft = Self.busySecondsMax
  }

  /// FINISH was sent: a new debt.
  mutating func owesFinished(_ now: MonotonicTime) {
    progressed(now)
    finishSent = now
    busyLeft = Self.busySecondsMax
  }

  /// What is stored by now; what shrinks and grows again is no growth.
  mutating func stored(_ bytes: Int64, _ now: MonotonicTime) {
    guard bytes > storedBytesMax else { return }
    storedBytesMax = bytes
    progressed(now)
  }

  /// An answer with a time limit of its own is awaited from now on.
  mutating func await(_ name: String, seconds: Double, _ now: MonotonicTime) {
    answer = (name, now.advanced(bySeconds: seconds), seconds)
    busyLeft = Self.busySecondsMax
  }

  /// BUSY: the plugin asks for time; an hour at most for one debt (protocol.md §13.1).
  mutating func extend(bySeconds seconds: Double, _ now: MonotonicTime) {
    let granted = min(seconds, busyLeft)
    busyLeft -= granted
    if let waiting = answer {
      answer = (waiting.awaiting, waiting.by.advanced(bySeconds: granted), waiting.seconds)
    }
    busyUntil = now.advanced(bySeconds: granted)
  }

  /// The announced silence is over; what was granted stays spent.
  mutating func busyEnded(_ now: MonotonicTime) {
    busyUntil = nil
    lastProgress = now
  }

  func secondsLeft(_ now: MonotonicTime) -> Double {
    var seconds = 1.0
    for deadline in [answer?.by, kill, closeOutput] {
      if let deadline { seconds = min(seconds, deadline.seconds(since: now)) }
    }
    return seconds
  }
}

extension PluginSession {
  /// Fails a plugin that has timed out.
  func checkDeadlines(_ now: MonotonicTime) {
    if let kill = deadlines.kill, now >= kill {
      deadlines.kill = nil
      endByForce()
    }
    if let close = deadlines.closeOutput, now >= close {
      deadlines.closeOutput = nil
      closeOutput()
      deadlines.kill = now.advanced(bySeconds: patience.aborted)
    }
    guard failure == nil, finished == nil else { return }
    if let answer = deadlines.answer {
      if now >= answer.by { fail(.silent(awaiting: answer.awaiting, seconds: answer.seconds)) }
    } else {
      checkStall(now)
    }
  }

  /// The plugin was to exit by itself, and did not.
  private func endByForce() {
    if failure == nil {
      let seconds = Int(finished == nil ? patience.exit : 2 * patience.exit)
      failure =
        finished == nil
        ? .misconduct(
          .ending, "closed its output before finishing, and did not exit within \(seconds) s")
        : .misconduct(.lingering, "did not exit within \(seconds) s after FINISHED")
      takeBackSlots()
    } else if machine.phase == .aborting && job.mode == .write {
      handlers.notice(
        "plugin \"\(label)\" ignored ABORT and the end of its input for "
          + "\(Int(patience.abort + patience.aborted)) s and was killed "
          + "(\(Misconduct.ignoredAbort.rule.citation))")
    }
    process.terminate()
  }

  /// Unreleased data and an awaited FINISHED are debts: they may take long, but not stand still,
  /// and not for ever. Specified in protocol.md §13.1.
  private func checkStall(_ now: MonotonicTime) {
    guard let owed else { return deadlines.progressed(now) }
    if let due = lent.oldestDue ?? deadlines.finishSent {
      let most = patience.debtLimit + deadlines.busySpent
      guard now.seconds(since: due) < most else {
        return fail(.overdue(owing: owed, seconds: most))
      }
    }
    if let busy = deadlines.busyUntil {
      if now < busy { return }
      // Silence counts from the end of the announced time.
      deadlines.busyEnded(busy)
    }
    guard now.seconds(since: deadlines.lastProgress) >= patience.firstLook else { return }
    deadlines.stored(handlers.storedBytes(), now)
    let silence = now.seconds(since: deadlines.lastProgress)
    if silence >= patience.stallLimit {
      fail(.stalled(owing: owed, seconds: patience.stallLimit))
    } else if silence >= patience.firstLook && !deadlines.hasWarned {
      deadlines.hasWarned = true
      handlers.notice(
        "plugin \"\(label)\" has made no progress for \(Int(silence)) s; waiting for \(owed)")
    }
  }

  /// What the host waits for, in words; `nil` if nothing.
  private var owed: String? {
    if let loans = lent.words { return "RELEASE of \(loans)" }
    if !outgoing.isEmpty { return "it to read its input" }
    if machine.phase == .finishing { return "FINISHED" }
    return readsOwed > 0 ? "the answer to a READ" : nil
  }
}

extension PluginSession.Patience {
  /// Seconds of silence after which the host looks closer.
  fileprivate var firstLook: Double { min(stallWarning, stallLimit) }
  /// Seconds that one debt may take in all, whatever else moves.
  fileprivate var debtLimit: Double { 10 * stallLimit }
}
