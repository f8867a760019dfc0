internal import JSON

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

extension QMPClient {
  /// `execute`, with an error that joins with others.
  func asked(
    _ command: String, _ arguments: JSONObject = [:], seconds: Double = 10
  ) async throws(ControlError) -> JSONValue {
    do throws(QMPError) {
      return try await execute(command, arguments, seconds: seconds)
    } catch {
      throw .qmp(error)
    }
  }

  /// `execute`, where an error of QEMU means that there is nothing of the kind.
  func askedForMaybe(
    _ command: String, _ arguments: JSONObject = [:], seconds: Double = 10
  ) async throws(ControlError) -> JSONValue? {
    do throws(QMPError) {
      return try await execute(command, arguments, seconds: seconds)
    } catch {
      if case .refused = error { return nil }
      throw .qmp(error)
    }
  }

  /// A property of an object of QEMU; `nil` where the object has none of that name.
  func property(
    _ name: String, of path: String
  ) async throws(ControlError) -> JSONValue? {
    try await askedForMaybe("qom-get", ["path": .string(path), "property": .string(name)])
  }
}
