package import BackupProtocol
internal import CLinux
internal import JSON
package import SharedPool
package import System

/// What went wrong on the host's side of a test.
package enum HostError: Error, Equatable {
  /// Nothing came for too long.
  case silence
  /// The plugin closed its end.
  case ended
  /// Another frame than the one awaited.
  case unexpected(FrameType, String)
}

/// A frame that the plugin sent.
package struct Received: Sendable {
  package let header: FrameHeader
  package let payload: [UInt8]

  package var type: FrameType { header.type }
}

/// A host that does what a test says, and no more: blocking, one thread.
package final class ScriptedHost {
  package let pool: SharedPool?
  package let shape: PoolShape
  private var reader = FrameReader()
  private var writer = FrameWriter()
  private var toPlugin: OwnedDescriptor?
  private let fromPlugin: OwnedDescriptor
  /// Bytes of one write; 0 writes what there is.
  package var pieceBytes = 0
  /// Whether a frame without meaning follows each frame.
  package var isGreasing = false
  /// Frames that came while another was awaited: LOG, PROGRESS, ERROR of a stream.
  package private(set) var reports: [Received] = []
  /// The fatal ERROR that came in place of an awaited frame.
  package private(set) var fatalError: ErrorFrame?
  /// Slots that may be lent, and who has the others.
  package private(set) var freeSlots: [Int]
  private var lent: [UInt32: Int] = [:]

  /// - Parameter pool: `nil` for inline mode.
  package init(
    toPlugin: consuming OwnedDescriptor, fromPlugin: consuming OwnedDescriptor,
    pool: SharedPool?, shape: PoolShape
  ) {
    clinux_ignore_sigpipe()
    self.toPlugin = consume toPlugin
    self.fromPlugin = fromPlugin
    self.pool = pool
    self.shape = shape
    freeSlots = Array(0..<shape.slotCount)
  }

  /// Number the next frame will bear.
  package var sequence: UInt32 { writer.sequence }

  /// Sends a frame, and `inline` bytes right behind it.
  package func send(
    inline: [UInt8] = [], _ build: (inout FrameWriter) -> Void
  ) throws {
    build(&writer)
    var bytes: [UInt8] = []
    writer.drain { buffer in
      bytes = Array(buffer)
      return buffer.count
    }
    try sendBytes(bytes + inline)
    guard isGreasing else { return }
    let pick = UInt16(truncatingIfNeeded: writer.sequence % 8)
    writer.append(FrameType(rawValue: 0x8A0A + 0x1010 * pick), flags: 0xFFFF, stream: 0xDEAD_BEEF) {
      $0 += [UInt8](repeating: 0xA5, count: Int(pick) * 100)
    }
    writer.drain { buffer in
      bytes = Array(buffer)
      return buffer.count
    }
    try sendBytes(bytes)
  }

  /// Sends bytes that may be no frame.
  package func sendBytes(_ bytes: [UInt8]) throws {
    guard let descriptor = toPlugin?.raw else { throw HostError.ended }
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = pieceBytes > 0 ? rest.prefix(pieceBytes) : rest
      let count = part.withUnsafeBytes { clinux_write(descriptor, $0.baseAddress!, $0.count) }
      if count == -32 { throw HostError.ended }
      try check(count, .write, "the plugin")
      rest = rest.dropFirst(count)
    }
  }

  /// The next frame, whatever it is.
  package func receive(seconds: Double = 20) throws -> Received {
    let end = MonotonicTime.now.advanced(bySeconds: seconds)
    while true {
      if let header = try reader.next() {
        return Received(header: header, payload: reader.withPayload { $0.allBytes })
      }
      var poller = Poller()
      poller.add(fromPlugin.raw, .readable)
      guard try poller.wait(seconds: end.seconds(since: .now)) > 0 else { throw HostError.silence }
      let count = try reader.fill { room in
        try check(clinux_read(fromPlugin.raw, room.baseAddress!, room.count), .read, "the plugin")
      }
      if count == 0 { throw HostError.ended }
    }
  }

  /// The next frame of a type; releases are noted, reports kept, anything else is an error.
  @discardableResult
  package func await(_ type: FrameType) throws -> Received {
    while true {
      let frame = try receive()
      if frame.type == .release { try note(frame) }
      if frame.type == type { return frame }
      switch frame.type {
      case .release: continue
      case .log, .progress, .busy: reports.append(frame)
      case .error:
        let error = try frame.payload.withRawBytes { try ErrorFrame(parsing: $0) }
        if error.isFatal {
          fatalError = error
          throw HostError.unexpected(.error, "\(error.code.name) \(error.message)")
        }
        reports.append(frame)
      default: throw HostError.unexpected(frame.type, "in place of \(type.name)")
      }
    }
  }

  /// The fatal ERROR that must come now.
  package func awaitError() throws -> ErrorFrame {
    while true {
      let frame = try receive()
      if frame.type == .error {
        return try frame.payload.withRawBytes { try ErrorFrame(parsing: $0) }
      }
    }
  }

  /// A slot nobody has, waiting for a RELEASE if need be.
  package func takeSlot() throws -> Int {
    while freeSlots.isEmpty { try self.await(.release) }
    return freeSlots.removeFirst()
  }

  /// Notes that the DATA with this number lent a slot.
  package func lend(_ slot: Int, as sequence: UInt32) { lent[sequence] = slot }

  /// DATA frames without RELEASE.
  package var unreleased: Int { lent.count }

  /// Keeps a report for later.
  func keep(_ frame: Received) { reports.append(frame) }

  /// What ERROR frames said of single READs so far.
  package var streamErrors: [ErrorFrame] {
    reports.compactMap { report in
      guard report.type == .error else { return nil }
      return try? report.payload.withRawBytes { try ErrorFrame(parsing: $0) }
    }
  }

  /// No more frames: the plugin reads the end of its input.
  package func closeInput() {
    toPlugin = nil
  }

  private func note(_ frame: Received) throws {
    try frame.payload.withRawBytes { payload in
      try ReleaseFrame.parse(payload) { sequence throws(WireError) in
        guard let slot = lent.removeValue(forKey: sequence) else {
          throw .field(.release, field: "seq", value: UInt64(sequence))
        }
        if slot >= 0 { freeSlots.append(slot) }
      }
    }
  }
}

extension [UInt8] {
  /// The bytes as a span.
  package func withRawBytes<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(span.bytes)
  }
}
