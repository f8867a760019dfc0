internal import BackupProtocol
internal import CLinux
internal import Glibc
internal import System

/// Why a session ends before its end.
enum Ending: Error, Equatable {
  /// The plugin or the wire failed: the host is told.
  case failed(PluginError)
  /// The host wants no archive any more.
  case aborted
  /// The host sent an ERROR: it cannot follow us, and wants no answer.
  case hostFailed
  /// The host is gone: nobody to tell.
  case hostGone
}

/// The two pipes of a plugin, blocking. One thread owns it.
///
/// Deadlock freedom (protocol.md §8): every release that waits is sent before a read
/// that may block, and the host never blocks in a write.
final class Channel {
  private let input: Int32
  private let output: Int32
  /// Inline bytes lie on a page of their own: fit for O_DIRECT, as those in the pool are.
  private var reader = FrameReader(inlineAlignment: 4096)
  private var writer = FrameWriter()
  private let releases: ReleaseQueue
  private let trace: SessionTrace?

  init(input: Int32, output: Int32, releases: ReleaseQueue, trace: SessionTrace? = nil) {
    self.trace = trace
    self.input = input
    self.output = output
    self.releases = releases
  }

  /// Waits for the next frame that this version knows; others that may be skipped are.
  ///
  /// - Parameter isFirst: Nothing is skipped before HELLO. protocol.md §12.
  /// - Throws: `.hostGone` at the end of the input, `.aborted` for ABORT, `.hostFailed` for ERROR,
  ///   `.failed` for what is no frame.
  func next(isFirst: Bool = false) throws(Ending) -> FrameHeader {
    while true {
      guard let header = try take() else {
        try flush()
        try fill()
        continue
      }
      switch header.type {
      case .abort: throw .aborted
      case .error: throw .hostFailed
      case let type where !type.isKnown && !isFirst: continue
      default: return header
      }
    }
  }

  /// Shows the payload of the last frame; see `FrameReader`.
  func withPayload<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try reader.withPayload(body)
  }

  /// The payload of a control frame.
  func payloadBytes() -> [UInt8] { reader.withPayload { $0.allBytes } }

  /// Builds a frame, which leaves with the next ``flush()``.
  func append(_ build: (inout FrameWriter) -> Void) { build(&writer) }

  /// Throws `.hostGone` when the host has closed its end, even with frames left to read: for work
  /// that goes on for long without reading. Before FINISHED that is the same as ABORT (protocol.md
  /// §13.2).
  func requireHost() throws(Ending) {
    var entry = clinux_poll(descriptor: input, events: 0, results: 0)
    guard unsafe clinux_poll(&entry, 1, 0) > 0 else { return }
    if entry.results & Int16(CLINUX_POLL_HANGUP) != 0 { throw .hostGone }
  }

  /// Number the next frame will bear.
  var sequence: UInt32 { writer.sequence }

  /// Sends what waits: releases first of all, since the host may be out of slots.
  func flush() throws(Ending) {
    releases.append(to: &writer)
    while writer.pendingCount > 0 {
      try unsafe writer.drain { bytes throws(Ending) in
        try unsafe sent(clinux_write(output, bytes.baseAddress!, bytes.count), bytes)
      }
    }
  }

  /// Sends a frame after everything that waits, releases included.
  func send(_ build: (inout FrameWriter) -> Void) throws(Ending) {
    releases.append(to: &writer)
    build(&writer)
    try flush()
  }

  /// Sends what waits, and `bytes` right behind it: the end of an inline DATA.
  func flush(inline bytes: UnsafeRawBufferPointer) throws(Ending) {
    releases.checkEmpty()
    var done = 0
    while writer.pendingCount > 0 {
      try unsafe writer.drain { head throws(Ending) in
        let count = try unsafe Channel.sent(
          clinux_write_two(
            output, head.baseAddress!, head.count, bytes.baseAddress!, bytes.count))
        done = max(0, count - head.count)
        let headCount = min(count, head.count)
        trace.map { unsafe $0.sent(UnsafeRawBufferPointer(rebasing: head[..<headCount])) }
        return headCount
      }
    }
    while done < bytes.count {
      done += try unsafe Channel.sent(
        clinux_write(output, bytes.baseAddress! + done, bytes.count - done))
    }
    trace.map { unsafe $0.sent(bytes) }
  }

  private func take() throws(Ending) -> FrameHeader? {
    do {
      let header = try reader.next()
      if let header, let trace { reader.withPayload { trace.received(header, $0) } }
      return header
    } catch { throw .failed(PluginError(error)) }
  }

  private func fill() throws(Ending) {
    let count = try unsafe reader.fill { room throws(Ending) in
      let count = unsafe clinux_read(input, room.baseAddress!, room.count)
      guard count >= 0 else {
        throw .failed(PluginError("reading from the host", errno: Int32(-count)))
      }
      return count
    }
    if count == 0 { throw .hostGone }
  }

  private func sent(
    _ result: Int, _ bytes: UnsafeRawBufferPointer
  ) throws(Ending) -> Int {
    let count = try Channel.sent(result)
    trace.map { unsafe $0.sent(UnsafeRawBufferPointer(rebasing: bytes[..<count])) }
    return count
  }

  private static func sent(_ count: Int) throws(Ending) -> Int {
    if count >= 0 { return count }
    if count == -Int(EPIPE) { throw .hostGone }
    throw .failed(PluginError("writing to the host", errno: Int32(-count)))
  }
}
