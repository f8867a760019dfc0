internal import BackupProtocol
internal import Sandbox
internal import System

/// When a plugin's patience runs out. Times are instants of the monotonic clock.
struct SessionDeadlines {
  /// The next answer that is awaited with a fixed time limit.
  var answer: (awaiting: String, by: Instant, seconds: Double)?
  /// Last sign of life while the plugin owed something.
  private(set) var lastProgress: Instant
  /// BUSY: until then silence is announced.
  var busyUntil: Instant?
  /// Seconds of BUSY that may still be asked for, for the present debt.
  private var busyLeft = Self.busySecondsMax
  private static let busySecondsMax = 3600.0
  var hasWarned = false
  var storedBytes: Int64 = -1
  /// When the process is killed, once it is being ended.
  var kill: Instant?
  /// When descriptor 3 is closed, once ABORT was sent.
  var closeOutput: Instant?

  init(now: Instant, patience: PluginSession.Patience) {
    lastProgress = now
    answer = ("HELLO_ACK", now.advanced(bySeconds: patience.helloAck), patience.helloAck)
  }

  /// Something moved that counts: a new debt begins.
  mutating func progressed(_ now: Instant) {
    lastProgress = now
    hasWarned = false
    busyLeft = Self.busySecondsMax
  }

  /// An answer with a time limit of its own is awaited from now on.
  mutating func await(_ name: String, seconds: Double, _ now: Instant) {
    answer = (name, now.advanced(bySeconds: seconds), seconds)
    busyLeft = Self.busySecondsMax
  }

  /// BUSY: the plugin asks for time; an hour at most for one debt (protocol.md §13.1).
  mutating func extend(bySeconds seconds: Double, _ now: Instant) {
    let granted = min(seconds, busyLeft)
    busyLeft -= granted
    if let waiting = answer {
      answer = (waiting.awaiting, waiting.by.advanced(bySeconds: granted), waiting.seconds)
    }
    busyUntil = now.advanced(bySeconds: granted)
  }

  /// The announced silence is over; what was granted stays spent.
  mutating func busyEnded(_ now: Instant) {
    busyUntil = nil
    lastProgress = now
  }

  func secondsLeft(_ now: Instant) -> Double {
    var seconds = 1.0
    for deadline in [answer?.by, kill, closeOutput] {
      if let deadline { seconds = min(seconds, deadline.seconds(since: now)) }
    }
    return seconds
  }
}

extension PluginSession {
  /// Gives up on a plugin whose time is over.
  func checkDeadlines(_ now: Instant) {
    if let kill = deadlines.kill, now >= kill {
      deadlines.kill = nil
      process.terminate()
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

  /// Unreleased data and an awaited FINISHED are debts: they may take long, but not stand still.
  private func checkStall(_ now: Instant) {
    let owes =
      !lent.isEmpty || !outgoing.isEmpty || machine.phase == .finishing || readsOwed > 0
    guard owes else { return deadlines.progressed(now) }
    if let busy = deadlines.busyUntil {
      if now < busy { return }
      // Silence counts from the end of the announced time.
      deadlines.busyEnded(busy)
    }
    let silence = now.seconds(since: deadlines.lastProgress)
    guard silence >= min(patience.stallWarning, patience.stallLimit) else { return }
    let stored = handlers.storedBytes()
    if stored != deadlines.storedBytes {
      deadlines.storedBytes = stored
      deadlines.progressed(now)
    } else if silence >= patience.stallLimit {
      fail(.stalled(seconds: patience.stallLimit))
    } else if !deadlines.hasWarned {
      deadlines.hasWarned = true
      handlers.notice("plugin \"\(label)\" has made no progress for \(Int(silence)) s")
    }
  }
}
