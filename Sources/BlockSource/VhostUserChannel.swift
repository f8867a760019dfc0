internal import CLinux
internal import Glibc
internal import System

/// The socket on which a vhost-user device is set up: requests, answers, one deadline for all.
struct VhostUserChannel: ~Copyable {
  private let socket: OwnedDescriptor
  private let deadline: MonotonicTime
  private let server: ServingProcess
  private var poller = Poller()
  /// Whether the back-end acknowledges requests (set by the negotiation).
  var acknowledges = false

  init(socket: consuming OwnedDescriptor, deadline: MonotonicTime, server: ServingProcess) {
    self.socket = socket
    self.deadline = deadline
    self.server = server
  }

  /// Gives the socket away: the set-up is done.
  consuming func release() -> OwnedDescriptor { socket }

  /// Sends a request and waits for its acknowledgement if the back-end gives any.
  mutating func tell(
    _ request: VhostUserRequest, _ payload: [UInt8] = [], descriptors: [Int32] = []
  ) throws(SourceError) {
    try tell([Message(request, payload, descriptors)])
  }

  /// A request that is acknowledged.
  struct Message {
    let request: VhostUserRequest
    let payload: [UInt8]
    let descriptors: [Int32]

    init(_ request: VhostUserRequest, _ payload: [UInt8] = [], _ descriptors: [Int32] = []) {
      (self.request, self.payload, self.descriptors) = (request, payload, descriptors)
    }
  }

  /// Sends requests in one go, then waits for the acknowledgement of each.
  mutating func tell(_ messages: [Message]) throws(SourceError) {
    for message in messages {
      try send(
        message.request, message.payload, message.descriptors, needsReply: acknowledges)
    }
    guard acknowledges else { return }
    for message in messages { try receiveAcknowledgement(of: message.request) }
  }

  private mutating func receiveAcknowledgement(
    of request: VhostUserRequest
  ) throws(SourceError) {
    let answer = try receive(answering: request)
    guard answer.count == 8 else {
      throw .protocolBroken(what: "acknowledgement of \(answer.count) bytes")
    }
    guard answer.allSatisfy({ $0 == 0 }) else {
      throw .refused(doing: "vhost-user request \(request)", words: server.lastWords())
    }
  }

  /// Sends a request that has an answer of its own.
  mutating func ask(
    _ request: VhostUserRequest, _ payload: [UInt8] = []
  ) throws(SourceError) -> [UInt8] {
    try send(request, payload, [], needsReply: false)
    return try receive(answering: request)
  }

  /// Asks for one number.
  mutating func askNumber(_ request: VhostUserRequest) throws(SourceError) -> UInt64 {
    let answer = try ask(request)
    guard answer.count == 8 else {
      throw .protocolBroken(what: "number of \(answer.count) bytes")
    }
    return answer.loadInteger(at: 0)
  }

  /// Set-up messages are far smaller than a socket's buffer: one send takes them whole.
  private func send(
    _ request: VhostUserRequest, _ payload: [UInt8], _ descriptors: [Int32], needsReply: Bool
  ) throws(SourceError) {
    let header = VhostUserHeader(request, payloadBytes: payload.count, needsReply: needsReply)
    let bytes = header.bytes + payload
    let sent = unsafe clinux_send_with_descriptors(
      socket.raw, bytes, bytes.count, descriptors, descriptors.count)
    if sent == -Int(EPIPE) || sent == -Int(ECONNRESET) {
      throw server.gone()
    }
    let count = try lifted { () throws(SystemCallError) in
      try check(sent, .send, "a vhost-user request")
    }
    guard count == bytes.count else { throw .protocolBroken(what: "requests are no longer read") }
  }

  private mutating func receive(
    answering request: VhostUserRequest
  ) throws(SourceError) -> [UInt8] {
    let header = try VhostUserHeader(
      parsing: try receive(count: VhostUserHeader.byteCount, request), answering: request)
    return try receive(count: Int(header.payloadBytes), request)
  }

  private mutating func receive(
    count: Int, _ request: VhostUserRequest
  ) throws(SourceError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let result = unsafe bytes.withUnsafeMutableBytes { buffer in
        unsafe clinux_receive(socket.raw, buffer.baseAddress! + filled, count - filled)
      }
      if result == -Int(EAGAIN) {
        try waitForAnswer(request)
      } else if result == 0 || result == -Int(ECONNRESET) {
        throw server.gone()
      } else {
        filled += try lifted { () throws(SystemCallError) in
          try check(result, .receive, "a vhost-user answer")
        }
      }
    }
    return bytes
  }

  private mutating func waitForAnswer(_ request: VhostUserRequest) throws(SourceError) {
    let left = deadline.seconds(since: .now)
    guard left > 0 else {
      throw .notInTime(
        doing: "vhost-user request \(request)", seconds: ServingProcess.handshakeSeconds,
        words: server.lastWords())
    }
    poller.removeAll()
    poller.add(socket.raw, .readable)
    do { _ = try poller.wait(seconds: left) } catch { throw .system(error) }
  }
}
