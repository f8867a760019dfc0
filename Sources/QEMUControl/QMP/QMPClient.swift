internal import CLinux
package import JSON
package import System

/// A connection to a running QEMU by its machine protocol (QEMU `docs/interop/qmp-spec`).
///
/// Closed when the last reference goes.
package final class QMPClient: Monitor {
  private let conversation: QMPConversation

  private init(_ conversation: QMPConversation) { self.conversation = conversation }

  deinit { conversation.channel.close() }

  /// Connects to QEMU, waits for its greeting and ends the negotiation of capabilities.
  ///
  /// - Parameters:
  ///   - path: A socket made by `-qmp unix:PATH,server=on`; at most 107 bytes.
  ///   - greetingSeconds: How long QEMU may take; afterwards another client holds the socket.
  /// - Throws: `cannotConnect`, `occupied`, `notQMP`, `disconnected`, `notInTime`, `system`.
  package static func connect(
    path: String, greetingSeconds: Double = 5
  ) async throws(QMPError) -> QMPClient {
    let started = MonotonicTime.now
    let socket = try await open(path, greetingSeconds)
    return try await begin(socket, path: path, since: started, greetingSeconds)
  }

  /// Begins a conversation over a socket that is connected to a QEMU's own.
  package static func begin(
    over socket: consuming OwnedDescriptor, greetingSeconds: Double
  ) async throws(QMPError) -> QMPClient {
    try await begin(socket, path: "a socket of QEMU", since: .now, greetingSeconds)
  }

  private static func begin(
    _ socket: consuming OwnedDescriptor, path: String, since started: MonotonicTime,
    _ greetingSeconds: Double
  ) async throws(QMPError) -> QMPClient {
    // Like nobody else's: an answer to the client before may come late.
    let prefix = String(UInt32.random(in: 0 ... .max), radix: 36) + "-"
    let client = QMPClient(
      try converse(socket, path: path, idPrefix: prefix, isTakenOver: false))
    try await client.conversation.greeting(since: started, seconds: greetingSeconds)
    _ = try await client.execute("qmp_capabilities", seconds: greetingSeconds)
    return client
  }

  /// Goes on with a connection whose owner is gone, such as the watchdog does.
  ///
  /// What the owner left half written is made invalid first (QEMU's parser starts anew at a byte
  /// 0xFF); answers to others and the rest of a half-read line are ignored.
  ///
  /// - Parameters:
  ///   - socket: A connection behind the negotiation of capabilities.
  ///   - idPrefix: What the ids of commands begin with; other than the owner's.
  package static func takeOver(
    _ socket: consuming OwnedDescriptor, idPrefix: String
  ) throws(QMPError) -> QMPClient {
    let conversation = try converse(
      socket, path: "the inherited socket", idPrefix: idPrefix, isTakenOver: true)
    conversation.channel.send(OutgoingLine(id: "", bytes: [0xFF, UInt8(ascii: "\n")]))
    return QMPClient(conversation)
  }

  /// Answers may come in any order. A command that could not even be written is withdrawn when its
  /// time is over.
  package func ask(
    _ command: String, _ arguments: JSONObject, seconds: Double, passing descriptor: Int32?
  ) async throws(QMPError) -> JSONValue {
    try await conversation.ask(command, arguments, seconds: seconds, passing: descriptor)
  }

  /// Up to 4096 events wait for a slow subscriber; then the oldest are lost.
  package func events() -> AsyncStream<QMPEvent> { conversation.subscribe() }

  /// The socket's number.
  package var inheritableDescriptor: Int32 { conversation.channel.rawDescriptor }

  /// The process that listened on the socket: QEMU, unless somebody made the socket for it.
  package var process: Int32? {
    let process = clinux_peer_process(inheritableDescriptor)
    return process > 0 ? process : nil
  }

  package func close() { conversation.channel.close() }

  private static func open(
    _ path: String, _ seconds: Double
  ) async throws(QMPError) -> OwnedDescriptor {
    do throws(SystemCallError) {
      if let socket = try await connectUnix(path, seconds: seconds) { return socket }
    } catch {
      throw .cannotConnect(path: path, code: error.code)
    }
    throw .occupied(path: path, seconds: seconds)
  }

  private static func converse(
    _ socket: consuming OwnedDescriptor, path: String, idPrefix: String, isTakenOver: Bool
  ) throws(QMPError) -> QMPConversation {
    do throws(SystemCallError) {
      let channel = try LineChannel(
        adopting: socket, lineLimit: QMPConversation.lineLimit)
      return try QMPConversation(
        channel, path: path, idPrefix: idPrefix, isTakenOver: isTakenOver)
    } catch {
      throw .system(error)
    }
  }
}
