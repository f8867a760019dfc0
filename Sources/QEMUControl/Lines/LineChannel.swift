internal import CLinux
internal import Glibc
internal import Synchronization
internal import System

/// Why a channel has ended.
enum LineEnd: Equatable, Sendable {
  /// The peer is gone, or has closed its end.
  case hungUp
  /// We have closed ours.
  case closed
  /// A line was longer than the limit, in bytes.
  case endless(limit: Int)
  /// The handler did not want to read on.
  case abandoned
  case system(SystemCallError)
}

/// What hears the lines of a channel; everything is called on the channel's thread.
protocol LineHandler: Sendable {
  /// Bytes came, not yet a whole line.
  func received(count: Int)
  /// A line came, without its end; `false` ends the channel.
  func received(line: [UInt8]) -> Bool
  /// Gives up what is late, and tells when something will be late next.
  func expire(now: MonotonicTime) -> MonotonicTime?
  /// Nothing will come any more; called once, last.
  func ended(_ end: LineEnd)
}

/// A unix stream socket over which lines go in both directions.
///
/// One thread reads, writes and keeps the time; it never waits for the peer other than in poll(2),
/// so that a peer that does not read costs its commands' time and nothing else. The socket itself
/// is never shut down, only closed: another process may hold a duplicate of it.
final class LineChannel: Sendable {
  private let socket: OwnedDescriptor
  private let wakeUp: OwnedDescriptor
  private let lineLimit: Int
  private let outgoing = Mutex(OutgoingLines())

  /// The number of the socket; valid as long as the channel lives.
  var rawDescriptor: Int32 { socket.raw }

  /// - Parameters:
  ///   - socket: A connected stream socket; it becomes non-blocking.
  ///   - lineLimit: Bytes of the longest line that is accepted.
  init(adopting socket: consuming OwnedDescriptor, lineLimit: Int) throws(SystemCallError) {
    try socket.setNonblocking()
    self.socket = socket
    self.lineLimit = lineLimit
    wakeUp = OwnedDescriptor(adopting: try check(clinux_eventfd(), .eventDescriptor, "a channel"))
  }

  /// Starts the thread, which keeps channel and handler alive until the channel ends.
  func start(name: String, _ handler: some LineHandler) throws(SystemCallError) {
    try WorkerThread(name: name) { self.run(handler) }.detach()
  }

  /// Adds a line to what is to be written.
  func send(_ line: OutgoingLine) {
    outgoing.withLock { $0.add(line) }
    wake()
  }

  /// Takes a line back, if nothing of it has been written.
  func withdraw(_ id: String) { outgoing.withLock { $0.withdraw(id) } }

  /// Ends the channel; lines not yet written are lost.
  func close() {
    outgoing.withLock { $0.isClosed = true }
    wake()
  }

  /// Makes the thread look at its deadlines again.
  func wake() {
    var one: UInt64 = 1
    // Safe because: an event counter takes eight bytes; a full counter is awake already.
    _ = unsafe clinux_write(wakeUp.raw, &one, 8)
  }

  private func run(_ handler: some LineHandler) {
    var poller = Poller()
    var reader = LineReader(limit: lineLimit)
    var end: LineEnd?
    while end == nil {
      let next = handler.expire(now: .now)
      let (isClosed, wantsToWrite) = outgoing.withLock { ($0.isClosed, !$0.isEmpty) }
      if isClosed { break }
      poller.removeAll()
      poller.add(socket.raw, wantsToWrite ? [.readable, .writable] : .readable)
      poller.add(wakeUp.raw, .readable)
      do throws(SystemCallError) {
        _ = try poller.wait(seconds: next.map { $0.seconds(since: .now) })
      } catch {
        end = .system(error)
        break
      }
      if poller.result(1).contains(.readable) { drainWakeUp() }
      let state = poller.result(0)
      if state.contains(.writable) { end = write() }
      if end == nil, !state.isDisjoint(with: [.readable, .hungUp, .failed]) {
        end = reader.read(socket.raw, handler)
      }
    }
    outgoing.withLock { $0.isClosed = true }
    handler.ended(end ?? .closed)
  }

  private func drainWakeUp() {
    var count: UInt64 = 0
    // Safe because: eight bytes are what an event counter gives.
    _ = unsafe clinux_read(wakeUp.raw, &count, 8)
  }

  private func write() -> LineEnd? {
    outgoing.withLock { queue -> LineEnd? in
      while let line = queue.first {
        let sent = line.send(over: socket.raw)
        switch -sent {
        case ..<0: queue.wrote(sent)
        case Int(EAGAIN): return nil
        case 0, Int(EPIPE), Int(ECONNRESET):
          // What the peer said before it left is still to be read; then comes the end.
          queue.removeAll()
        case let code:
          return .system(SystemCallError(.send, subject: "a command", code: Int32(code)))
        }
      }
      return nil
    }
  }
}

/// Cuts what comes from a socket into lines.
private struct LineReader {
  private let limit: Int
  private var buffer = [UInt8](repeating: 0, count: 64 << 10)
  private var line: [UInt8] = []

  init(limit: Int) { self.limit = limit }

  /// Reads what is there and hands whole lines to the handler.
  ///
  /// - Returns: Why there is nothing more to read, if so.
  mutating func read(_ socket: Int32, _ handler: some LineHandler) -> LineEnd? {
    let capacity = buffer.count
    let count = unsafe buffer.withUnsafeMutableBytes { room in
      // Safe because: the buffer is never empty, and `capacity` is its length.
      unsafe clinux_receive(socket, room.baseAddress!, capacity)
    }
    switch -count {
    case ..<0: return take(count, handler)
    case Int(EAGAIN): return nil
    case 0, Int(ECONNRESET), Int(EPIPE): return .hungUp
    case let code: return .system(SystemCallError(.receive, subject: "a line", code: Int32(code)))
    }
  }

  private mutating func take(_ count: Int, _ handler: some LineHandler) -> LineEnd? {
    handler.received(count: count)
    for part in buffer[..<count].split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false
    ).enumerated() {
      if part.offset > 0 {
        let whole = line
        line.removeAll()
        if !handler.received(line: whole) { return .abandoned }
      }
      line.append(contentsOf: part.element)
      if line.count > limit { return .endless(limit: limit) }
    }
    return nil
  }
}
