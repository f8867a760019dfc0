import BackupProtocol
import CLinux
import Glibc
import JSON
import WriterKit

/// Reads forward: a stream that was passed by is gone.
final class StackReader: ArchiveReader {
  let streams: [StreamDescription]
  let machine: Job.Machine
  let description: MachineDescription?
  let instant: Timestamp?
  private let input: Int32
  /// Place of the stream that comes next.
  private var next = 0

  init(job: Job, input: Input, host: Host) throws(PluginError) {
    self.input = input.descriptor
    guard try Self.bytes(8, from: self.input) == Stack.magic else {
      throw PluginError(.corrupt, "this is no stack")
    }
    let length = Int(number(try Self.bytes(4, from: self.input)[...]))
    guard length <= Stack.headBytesMax else { throw PluginError(.corrupt, "an endless head") }
    let head = try Self.bytes(length, from: self.input)
    do {
      let content = try JobAck(parsing: head, mode: .read)
      (streams, machine, instant) = (content.streams, content.vm, content.instant)
      description = content.machine
    } catch {
      throw PluginError(.corrupt, "the head of the stack is \(error)")
    }
  }

  func read(
    _ stream: StreamDescription, _ range: Range<UInt64>, into sink: ReadSink
  ) throws(PluginError) {
    guard let place = streams.firstIndex(of: stream), place >= next else {
      throw PluginError(.unsupported, "a stack is read forward only")
    }
    while next < place { try pass(nil) }
    try pass(sink)
  }

  /// There are no checksums that could be looked at.
  func finish() {}

  /// Goes through the next stream, with or without telling what is in it.
  private func pass(_ sink: ReadSink?) throws(PluginError) {
    next += 1
    while true {
      let record = try Stack.Record(parsing: try Self.bytes(Stack.Record.byteCount, from: input))
      switch record.kind {
      case .end: return
      case .zeros: try sink?.zeros(record.length)
      case .data:
        var left = Int(clamping: record.length)
        while left > 0 {
          let count = min(left, sink?.pieceBytesMax ?? 1 << 20)
          try copy(count, to: sink)
          left -= count
        }
      }
    }
  }

  private func copy(_ count: Int, to sink: ReadSink?) throws(PluginError) {
    guard let sink else {
      _ = try Self.bytes(count, from: input)
      return
    }
    try sink.data(count) { span throws(PluginError) in
      let code = span.withUnsafeMutableBytes { Self.fill($0, from: input) }
      if code != 0 { throw Self.failure(code) }
    }
  }

  private static func bytes(_ count: Int, from input: Int32) throws(PluginError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let code = bytes.withUnsafeMutableBytes { fill($0, from: input) }
    if code != 0 { throw failure(code) }
    return bytes
  }

  /// - Returns: 0, the errno, or -1 at the end of the input.
  private static func fill(_ buffer: UnsafeMutableRawBufferPointer, from input: Int32) -> Int32 {
    var done = 0
    while done < buffer.count {
      let count = clinux_read(input, buffer.baseAddress! + done, buffer.count - done)
      if count <= 0 { return count == 0 ? -1 : Int32(-count) }
      done += count
    }
    return 0
  }

  private static func failure(_ code: Int32) -> PluginError {
    code > 0
      ? PluginError("reading the stack", errno: code)
      : PluginError(.corrupt, "the stack ends too early")
  }
}
