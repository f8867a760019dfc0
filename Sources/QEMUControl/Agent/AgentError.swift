package import System

/// Why the guest's agent has not done what it was asked.
package enum AgentError: Error, Equatable, Sendable {
  /// Nobody listens there, or we may not connect.
  case cannotConnect(path: String, code: Int32)
  /// No answer in time: no agent runs in the guest, it hangs, the guest is paused, or another
  /// program uses the socket; these look the same from outside.
  case notInTime(command: String, seconds: Double)
  /// The connection ended before the answer came.
  case disconnected(doing: String)
  /// The agent's answer is an error.
  case refused(command: String, words: String)
  /// The answer is none that the agent's protocol knows.
  case protocolBroken(what: String)
  /// Another command waits for its answer: the agent does one thing at a time.
  case busy(command: String)
  case system(SystemCallError)
}

extension AgentError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .cannotConnect(let path, let code):
      "cannot connect to the guest agent's socket \(path): \(errnoText(code))"
    case .notInTime(let command, let seconds):
      """
      the guest agent did not answer \(command) within \(rounded(seconds)) s: it may not run in \
      the guest, or its socket is in use by another program
      """
    case .disconnected(let doing): "the guest agent's connection was closed during \(doing)"
    case .refused(let command, let words): "the guest agent refused \(command): \(words)"
    case .protocolBroken(let what): "protocol error from the guest agent: \(what)"
    case .busy(let command): "cannot send \(command): the guest agent is busy"
    case .system(let error): "\(error)"
    }
  }
}
