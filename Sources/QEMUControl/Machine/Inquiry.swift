internal import JSON
internal import Synchronization
internal import System

/// Questions to a QEMU that together have so much time. None is asked twice: QEMU reads commands
/// byte by byte, which takes it longer than to answer them.
final class Inquiry: Sendable {
  /// Seconds for one answer: QEMU answers most in a millisecond, and in more if it is busy.
  static let secondsMax = 10.0

  let monitor: any Monitor
  private let deadline: MonotonicTime
  private let known = Mutex<[String: JSONValue?]>([:])

  init(monitor: any Monitor, deadline: MonotonicTime) {
    self.monitor = monitor
    self.deadline = deadline
  }

  /// The answer to a command that every QEMU knows.
  func asked(
    _ command: String, _ arguments: JSONObject = [:]
  ) async throws(ControlError) -> JSONValue {
    do throws(QMPError) {
      let left = deadline.seconds(since: .now)
      return try await monitor.execute(command, arguments, seconds: min(left, Self.secondsMax))
    } catch {
      throw .qmp(error)
    }
  }

  /// The answer, or `nil` if QEMU refuses: then there is nothing of the kind.
  func askedForMaybe(
    _ command: String, _ arguments: JSONObject = [:]
  ) async throws(ControlError) -> JSONValue? {
    let question = command + JSONValue.object(arguments).text
    if let answer = known.withLock({ $0[question] }) { return answer }
    let answer = try await answered(command, arguments)
    known.withLock { _ = $0.updateValue(answer, forKey: question) }
    return answer
  }

  private func answered(
    _ command: String, _ arguments: JSONObject
  ) async throws(ControlError) -> JSONValue? {
    do throws(ControlError) {
      return try await asked(command, arguments)
    } catch {
      if case .qmp(.refused) = error { return nil }
      throw error
    }
  }

  /// A property of an object of QEMU; `nil` where the object has none of that name.
  func property(_ name: String, of path: String) async throws(ControlError) -> JSONValue? {
    try await askedForMaybe("qom-get", ["path": .string(path), "property": .string(name)])
  }
}
