internal import JSON
internal import System

/// Questions to a QEMU that together have so much time.
struct Inquiry {
  /// Seconds for one answer: QEMU answers most in a millisecond, and in more if it is busy.
  static let secondsMax = 10.0

  let client: QMPClient
  let deadline: Instant

  /// The answer to a command that every QEMU knows.
  func asked(
    _ command: String, _ arguments: JSONObject = [:]
  ) async throws(ControlError) -> JSONValue {
    do throws(QMPError) {
      let left = deadline.seconds(since: .now)
      return try await client.execute(command, arguments, seconds: min(left, Self.secondsMax))
    } catch {
      throw .qmp(error)
    }
  }

  /// The answer, or `nil` if QEMU refuses: then there is nothing of the kind.
  func askedForMaybe(
    _ command: String, _ arguments: JSONObject = [:]
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
