internal import JSON
package import System

/// The agent inside a guest (QEMU `docs/interop/qemu-ga.rst`, `qga/qapi-schema.json`).
///
/// One command at a time. Each gets in step with the agent first where that is needed, within the
/// same seconds. The socket of a guest without agent can be connected to and says nothing: every
/// call is bounded.
package final class GuestAgent: Sendable {
  private let conversation: AgentConversation

  private init(_ socket: consuming OwnedDescriptor) throws(AgentError) {
    do throws(SystemCallError) {
      let channel = try LineChannel(adopting: socket, lineLimit: AgentConversation.lineLimit)
      conversation = try AgentConversation(channel)
    } catch {
      throw .system(error)
    }
  }

  deinit { conversation.channel.close() }

  /// Connects to the agent and gets in step with it.
  ///
  /// - Parameters:
  ///   - path: The socket of the guest's port `org.qemu.guest_agent.0`; at most 107 bytes.
  ///   - seconds: For all of it.
  package static func connect(
    path: String, seconds: Double
  ) async throws(AgentError) -> GuestAgent {
    let deadline = MonotonicTime.now.advanced(bySeconds: seconds)
    let agent = try GuestAgent(try await open(path, seconds))
    try await agent.sync(seconds: deadline.seconds(since: .now))
    return agent
  }

  /// Goes on with a connection whose owner is gone, such as the watchdog does.
  package static func takeOver(
    _ socket: consuming OwnedDescriptor
  ) throws(AgentError) -> GuestAgent { try GuestAgent(socket) }

  private static func open(
    _ path: String, _ seconds: Double
  ) async throws(AgentError) -> OwnedDescriptor {
    do throws(SystemCallError) {
      if let socket = try await connectUnix(path, seconds: seconds) { return socket }
    } catch {
      throw .cannotConnect(path: path, code: error.code)
    }
    throw .notInTime(command: "connect", seconds: seconds)
  }

  /// The socket's number, to be duplicated; valid as long as the agent's client lives.
  package var rawDescriptor: Int32 { conversation.channel.rawDescriptor }

  /// Ends the connection. A frozen guest stays frozen.
  package func close() { conversation.channel.close() }

  /// Gets in step: afterwards answers belong to commands (guest-sync-delimited).
  ///
  /// - Throws: `notInTime` where no agent answers; the next call tries again.
  package func sync(seconds: Double) async throws(AgentError) {
    let number = Int64.random(in: 1..<(1 << 52))
    let command: JSONValue = [
      "execute": "guest-sync-delimited", "arguments": ["id": .integer(number)],
    ]
    // The byte makes the agent's parser forget half a command of somebody before us.
    _ = try await conversation.ask(
      "guest-sync-delimited", line: [0xFF] + command.serialised() + [UInt8(ascii: "\n")],
      .number(number), seconds: seconds)
  }

  /// Whether the guest's filesystems are frozen (guest-fsfreeze-status).
  package func isFrozen(seconds: Double) async throws(AgentError) -> Bool {
    switch try await execute("guest-fsfreeze-status", seconds: seconds).string {
    case "frozen": return true
    case "thawed": return false
    default: throw .protocolBroken(what: "unknown guest-fsfreeze-status")
    }
  }

  /// Freezes the guest's filesystems (guest-fsfreeze-freeze).
  ///
  /// - Returns: How many are frozen.
  /// - Throws: After `notInTime` the freeze may still be done, as soon as the agent goes on; so a
  ///   thaw is sent behind it, which follows then.
  package func freeze(seconds: Double) async throws(AgentError) -> Int {
    let deadline = MonotonicTime.now.advanced(bySeconds: seconds)
    // Not asked of an agent that is not there: it would be done when nobody wants it any more.
    try await getInStep(seconds: seconds)
    do throws(AgentError) {
      return try await count(
        "guest-fsfreeze-freeze", seconds: deadline.seconds(since: .now))
    } catch {
      switch error {
      case .notInTime, .protocolBroken: queueThaw()
      default: break
      }
      throw error
    }
  }

  /// Thaws the guest's filesystems (guest-fsfreeze-thaw); harmless where nothing is frozen.
  ///
  /// - Returns: How many were thawed.
  /// - Throws: After `notInTime` the command stays with the agent, which does it as soon as it can.
  package func thaw(seconds: Double) async throws(AgentError) -> Int {
    let deadline = MonotonicTime.now.advanced(bySeconds: seconds)
    do throws(AgentError) {
      try await getInStep(seconds: seconds)
    } catch {
      queueThaw()
      throw error
    }
    return try await count("guest-fsfreeze-thaw", seconds: deadline.seconds(since: .now))
  }

  private func getInStep(seconds: Double) async throws(AgentError) {
    if !conversation.isInStep { try await sync(seconds: seconds) }
  }

  private func count(_ command: String, seconds: Double) async throws(AgentError) -> Int {
    guard let count = try await execute(command, seconds: seconds).integer, count >= 0 else {
      throw .protocolBroken(what: "\(command) returned no count")
    }
    return Int(count)
  }

  private func execute(_ command: String, seconds: Double) async throws(AgentError) -> JSONValue {
    let deadline = MonotonicTime.now.advanced(bySeconds: seconds)
    try await getInStep(seconds: seconds)
    return try await conversation.ask(
      command, line: Self.line(command), .anything, seconds: deadline.seconds(since: .now))
  }

  /// Sends a thaw whose answer nobody waits for.
  private func queueThaw() {
    conversation.fallOutOfStep()
    conversation.channel.send(OutgoingLine(id: "", bytes: Self.line("guest-fsfreeze-thaw")))
  }

  private static func line(_ command: String) -> [UInt8] {
    JSONValue.object(["execute": .string(command)]).serialised() + [UInt8(ascii: "\n")]
  }
}
