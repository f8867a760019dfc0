package import BackupProtocol
internal import JSON
internal import SharedPool

/// The answer to a READ.
package struct Answer: Sendable {
  package var status: ErrorCode
  /// The range, with zeros where nothing came.
  package var bytes: [UInt8]
  /// Bytes that came as DATA, masked blocks included.
  package var dataBytes = 0
  package var isOpened = false
  package var close: CloseFrame?
}

extension ScriptedHost {
  /// JOB in read or verify mode, and what the archive holds.
  package func startReading(
    _ mode: Job.Mode, format: String = "raw", output: Job.OutputKind = .directory,
    scratch: Int32? = nil
  ) throws -> [StreamDescription] {
    try openArchive(mode, format: format, output: output, scratch: scratch).streams
  }

  /// As ``startReading(_:format:output:scratch:)``, for all that the plugin says of the archive.
  package func openArchive(
    _ mode: Job.Mode, format: String = "raw", output: Job.OutputKind = .directory,
    scratch: Int32? = nil
  ) throws -> JobAck {
    let job = Job(id: "j2", mode: mode, format: format, output: output, scratch: scratch)
    try send { $0.append(.job, job.object) }
    return try JobAck(parsing: try self.await(.jobAck).payload, mode: mode)
  }

  /// Asks for a stream or a part of it, and takes the answer as the pump would.
  package func read(
    _ stream: StreamDescription, _ frame: ReadFrame = ReadFrame()
  ) throws -> Answer {
    let request = sequence
    try send { $0.append(frame, stream: stream.id) }
    let count = frame.isWholeStream ? stream.size ?? 0 : frame.length
    var answer = Answer(status: .none, bytes: [UInt8](repeating: 0, count: Int(count)))
    var position = frame.offset
    while true {
      let received = try receive()
      let payload = received.payload
      switch received.type {
      case .open: answer.isOpened = true
      case .data:
        let data = try payload.withRawBytes { try DataFrame(parsing: $0) }
        try expect(data.offset == position && data.request == request, received)
        take(data, payload, at: Int(position - frame.offset), &answer)
        position += UInt64(data.length)
        try send { $0.appendRelease([received.header.sequence].span) }
      case .zero:
        let zero = try payload.withRawBytes { try ZeroFrame(parsing: $0) }
        try expect(zero.offset == position && zero.request == request, received)
        position += zero.length
      case .close: answer.close = try payload.withRawBytes { try CloseFrame(parsing: $0) }
      case .readDone:
        let done = try payload.withRawBytes { try ReadDoneFrame(parsing: $0) }
        try expect(done.request == request, received)
        try expect(done.status != .none || position == frame.offset + count, received)
        answer.status = done.status
        return answer
      case .log: keep(received)
      case .error:
        let error = try payload.withRawBytes { try ErrorFrame(parsing: $0) }
        try expect(error.isStreamOnly && error.answers == request, received)
        keep(received)
      default: throw HostError.unexpected(received.type, "in the answer to a READ")
      }
    }
  }

  /// Asks for a stream that may claim to be larger than memory, and throws its bytes away.
  package func readAway(_ stream: StreamDescription) throws -> Answer {
    try send { $0.append(ReadFrame(), stream: stream.id) }
    while true {
      let received = try receive()
      switch received.type {
      case .data: try send { $0.appendRelease([received.header.sequence].span) }
      case .readDone:
        let done = try received.payload.withRawBytes { try ReadDoneFrame(parsing: $0) }
        return Answer(status: done.status, bytes: [])
      case .error: keep(received)
      default: continue
      }
    }
  }

  private func take(_ data: DataFrame, _ payload: [UInt8], at start: Int, _ answer: inout Answer) {
    let length = Int(data.length)
    answer.dataBytes += length
    var bytes: [UInt8]
    switch data.place {
    case .inline: bytes = Array(payload[data.inlineOffset...])
    case .slot(let slot):
      bytes = Array(UnsafeRawBufferPointer(pool!.unsafeBytes(slot: Int(slot)))[..<length])
    }
    payload.withRawBytes { payload in
      for block in 0..<((length + 4095) / 4096)
      where data.mask(block >> 4, in: payload) & (1 << (block & 15)) == 0 {
        let range = (block * 4096)..<min(length, (block + 1) * 4096)
        bytes.replaceSubrange(range, with: repeatElement(0, count: range.count))
      }
    }
    answer.bytes.replaceSubrange(start..<(start + length), with: bytes)
  }

  private func expect(_ condition: Bool, _ frame: Received) throws {
    if !condition { throw HostError.unexpected(frame.type, "out of order") }
  }
}
