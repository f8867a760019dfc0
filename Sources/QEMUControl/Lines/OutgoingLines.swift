internal import CLinux

/// A line on its way to the peer.
struct OutgoingLine: Sendable {
  /// What the line is known by, to take it back.
  let id: String
  /// The line with its end.
  let bytes: [UInt8]
  /// A descriptor that goes along with the first byte; its owner keeps it open.
  var descriptor: Int32? = nil
  /// Bytes that are written.
  fileprivate(set) var sentBytes = 0

  init(id: String, bytes: [UInt8], descriptor: Int32? = nil) {
    self.id = id
    self.bytes = bytes
    self.descriptor = descriptor
  }

  /// Writes what the socket takes, without waiting and without SIGPIPE: a count, or -errno.
  func send(over socket: Int32) -> Int {
    unsafe bytes.withUnsafeBytes { all in
      let rest = unsafe UnsafeRawBufferPointer(rebasing: all[sentBytes...])
      // Safe because: lines are never empty, and a line that is all sent is gone from the queue.
      guard let base = rest.baseAddress else { return 0 }
      guard sentBytes == 0, var descriptor else {
        return unsafe clinux_send_with_descriptors(socket, base, rest.count, nil, 0)
      }
      return unsafe clinux_send_with_descriptors(socket, base, rest.count, &descriptor, 1)
    }
  }
}

/// Lines that wait to be written, in order.
struct OutgoingLines: Sendable {
  private var lines: [OutgoingLine] = []
  /// Nothing is written any more.
  var isClosed = false

  var isEmpty: Bool { lines.isEmpty }
  var first: OutgoingLine? { lines.first }

  mutating func add(_ line: OutgoingLine) {
    if !isClosed && !line.bytes.isEmpty { lines.append(line) }
  }

  /// Removes a line of which nothing is written: half a line would spoil the next one.
  mutating func withdraw(_ id: String) { lines.removeAll { $0.id == id && $0.sentBytes == 0 } }

  mutating func removeAll() { lines.removeAll() }

  /// Counts bytes of the first line as written.
  mutating func wrote(_ count: Int) {
    guard !lines.isEmpty else { return }
    lines[0].sentBytes += count
    if lines[0].sentBytes >= lines[0].bytes.count { lines.removeFirst() }
  }
}
