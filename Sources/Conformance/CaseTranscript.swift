package import PluginHost
internal import Synchronization

/// What is said in the sessions of one case, kept until the case is told.
package final class CaseTranscript: TraceTaker {
  /// What is kept.
  package struct Contents: OptionSet, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    /// The frames, in words.
    package static let frames = Contents(rawValue: 1)
    /// What the plugin says about itself.
    package static let lines = Contents(rawValue: 2)
  }

  /// Bytes of words that are kept: a plugin may talk for as long as a case lasts.
  private static let bytesMax = 2 << 20

  private struct State {
    var sessions = 0
    var frames: [TraceLine] = []
    var lines: [PluginLine] = []
    var room = bytesMax
    var leftOut = 0

    /// Whether a line is kept; it is counted in any case.
    mutating func hasRoom(for words: String) -> Bool {
      room -= words.utf8.count + 64
      if room < 0 { leftOut += 1 }
      return room >= 0
    }
  }

  private let id: String
  private let contents: Contents
  private let state = Mutex(State())

  /// - Parameter id: Of the case.
  init(_ id: String, _ contents: Contents) {
    self.id = id
    self.contents = contents
  }

  /// The frames, in the order in which they passed.
  package var frames: [TraceLine] { state.withLock { $0.frames } }
  /// What the plugin said, in order.
  package var lines: [PluginLine] { state.withLock { $0.lines } }
  /// How many of both were too many.
  package var leftOutCount: Int { state.withLock { $0.leftOut } }

  /// A session begins.
  ///
  /// - Parameter isFoundation: It finds out what all cases stand on.
  /// - Returns: How its lines are marked, and who listens.
  func begin(isFoundation: Bool) -> (name: String, listeners: SessionListeners) {
    let number = state.withLock { state in
      state.sessions += 1
      return state.sessions
    }
    var listeners = SessionListeners()
    if contents.contains(.frames) { listeners.trace = self }
    if contents.contains(.lines) { listeners.lines = { self.take($0) } }
    return ("\(id)(session \(number)\(isFoundation ? ", foundation" : ""))", listeners)
  }

  package func take(_ line: TraceLine) {
    state.withLock { if $0.hasRoom(for: line.words) { $0.frames.append(line) } }
  }

  private func take(_ line: PluginLine) {
    state.withLock { if $0.hasRoom(for: line.text) { $0.lines.append(line) } }
  }
}
