/// Why something that takes several commands could not be done.
package enum ControlError: Error, Equatable, Sendable {
  case qmp(QMPError)
  case agent(AgentError)
  /// QEMU's answer lacks what it must have.
  case unexpected(command: String, what: String)
}

extension ControlError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .qmp(let error): "\(error)"
    case .agent(let error): "\(error)"
    case .unexpected(let command, let what):
      "QEMU's answer to \(command) is not understood: \(what)"
    }
  }
}
