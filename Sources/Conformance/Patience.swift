internal import Synchronization
internal import System

/// How long a plugin may say nothing before its case fails: less once it is known to hang, so that
/// a check ends in minutes whatever it is tried on.
final class Patience: Sendable {
  private static let short = 2.0
  /// Silences after which it is short.
  private static let silencesMax = 4
  private let usual: Double
  /// Seconds that one conversation may take, whatever is said.
  let conversation: Double

  private let silences = Mutex(0)
  private let stop = Mutex<StopSignal?>(nil)

  init(usual: Double = 10, conversation: Double = 120) {
    self.usual = usual
    self.conversation = conversation
  }

  /// For how long from now.
  var seconds: Double {
    silences.withLock { $0 } < Self.silencesMax ? usual : Self.short
  }

  /// Ends all conversations once somebody wants that.
  func watch(_ stop: StopSignal?) { self.stop.withLock { $0 = stop } }

  /// Whether the user has called the check off.
  var isOver: Bool { stop.withLock { $0?.isRequested == true } }

  /// The plugin said nothing, or did not exit, for that long.
  func noteSilence() { silences.withLock { $0 += 1 } }
}

/// Since when the plugin owes something.
struct Debt: Sendable {
  private let born = MonotonicTime.now
  private var since = MonotonicTime.now
  private var what: (String, UInt32)?

  /// Something else is owed, or more was sent since: the time begins again.
  mutating func owe(_ what: String, after sequence: UInt32) {
    if let known = self.what, known == (what, sequence) { return }
    self.what = (what, sequence)
    since = .now
  }

  mutating func noteProgress() { since = .now }

  func secondsLeft(_ patience: Patience) -> Double {
    patience.seconds - MonotonicTime.now.seconds(since: since)
  }

  /// Whether the conversation has lasted too long, whatever was said.
  func isEndless(_ patience: Patience) -> Bool {
    MonotonicTime.now.seconds(since: born) > patience.conversation
  }
}
