package import BackupProtocol
internal import Glibc
internal import JSON
internal import SharedPool

/// The answer to a READ.
package struct Answer: Sendable {
  package var status: ErrorCode
  /// The range, with zeros where nothing came.
  package var bytes: [UInt8]
  /// Bytes that came as DATA, masked blocks included.
  package var dataBytes = 0
  /// What kinds of ranges came, in order; what is lost is not among them.
  package var extents: [Extent] = []
  /// What the archive has lost.
  package var damaged: [Range<UInt64>] = []
  package var isOpened = false
  package var close: CloseFrame?
}

extension ScriptedHost {
  /// JOB in read or verify mode, and what the archive holds.
  package func startReading(
    _ mode: Job.Mode, format: String = "raw", output: Job.OutputKind = .directory,
    scratch: Int32? = nil, salvages: Bool = false
  ) throws -> [StreamDescription] {
    try openArchive(mode, format: format, output: output, scratch: scratch, salvages: salvages)
      .streams
  }

  /// As ``startReading(_:format:output:scratch:salvages:)``, for all that the plugin says of the
  /// archive.
  package func openArchive(
    _ mode: Job.Mode, format: String = "raw", output: Job.OutputKind = .directory,
    scratch: Int32? = nil, salvages: Bool = false
  ) throws -> JobAck {
    var job = Job(id: "j2", mode: mode, format: format, output: output, scratch: scratch)
    job.salvages = salvages
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
        answer.extents.append(upTo: position, .data)
        try send { $0.appendRelease([received.header.sequence].span) }
      case .zero:
        let zero = try payload.withRawBytes { try ZeroFrame(parsing: $0) }
        try expect(zero.offset == position && zero.request == request, received)
        position += zero.length
        answer.extents.append(upTo: position, zero.kind)
      case .damaged:
        let damaged = try payload.withRawBytes { try DamagedFrame(parsing: $0) }
        try expect(damaged.offset == position && damaged.request == request, received)
        answer.damaged.append(position..<(position + damaged.length))
        position += damaged.length
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
    // Not `replaceSubrange`: in a debug build it goes byte by byte.
    payload.withRawBytes { payload in
      bytes.withUnsafeMutableBytes { bytes in
        for block in 0..<((length + 4095) / 4096)
        where !data.mask(block >> 4, in: payload)[block & 15] {
          memset(bytes.baseAddress! + block * 4096, 0, min(4096, length - block * 4096))
        }
      }
    }
    guard length > 0 else { return }
    precondition(start + length <= answer.bytes.count)
    answer.bytes.withUnsafeMutableBytes { _ = memcpy($0.baseAddress! + start, bytes, length) }
  }

  private func expect(_ condition: Bool, _ frame: Received) throws {
    if !condition { throw HostError.unexpected(frame.type, "out of order") }
  }
}
