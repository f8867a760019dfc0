internal import BackupProtocol
internal import JSON

/// A payload, decoded by the decoder of its type, encoded again and compared.
struct PayloadVerdict {
  var isCanonical = true
  var isStable = true
  /// Bytes of an inline DATA, which the encoder leaves to its caller.
  private var inline: ArraySlice<UInt8> = []

  init(_ header: FrameHeader, _ payload: RawSpan) throws(WireError) {
    guard header.type.isKnown else { return }
    // The host parses what a reader produces through this door: it must say the same.
    if [.open, .data, .zero, .damaged, .close, .readDone].contains(header.type) {
      _ = try StreamFrame(header.type, parsing: payload)
    }
    if header.type.isControl {
      try checkControl(header.type, payload.allBytes)
    } else {
      var writer = FrameWriter(firstSequence: header.sequence)
      try append(header, payload, to: &writer)
      let written = writer.pending.dropFirst(Limits.preamble.count) + inline
      isCanonical = written == encoded(header, payload)[...]
    }
  }

  private func encoded(_ header: FrameHeader, _ payload: RawSpan) -> [UInt8] {
    var bytes: [UInt8] = []
    header.append(to: &bytes)
    return bytes + payload.allBytes
  }

  // MARK: Control payloads

  private mutating func checkControl(_ type: FrameType, _ bytes: [UInt8]) throws(WireError) {
    switch type {
    case .hello:
      try check(bytes) { bytes throws(WireError) in
        try Hello(parsing: bytes)
      } encode: {
        $0.object
      }
    case .helloAck:
      try check(bytes) { bytes throws(WireError) in
        try HelloAck(parsing: bytes)
      } encode: {
        $0.object
      }
    case .job:
      try check(bytes) { bytes throws(WireError) in
        try Job(parsing: bytes)
      } encode: {
        $0.object
      }
    case .jobAck:
      // A stream list that is not there is the answer in write mode.
      let hasStreams = (try? JSONValue(parsing: bytes))?["streams"] != nil
      let mode: Job.Mode = hasStreams ? .read : .write
      try check(bytes) { bytes throws(WireError) in
        try JobAck(parsing: bytes, mode: mode)
      } encode: {
        $0.object
      }
    case .finished:
      try check(bytes) { bytes throws(WireError) in
        try Finished(parsing: bytes)
      } encode: {
        $0.object
      }
    case .abort, .aborted:
      try check(bytes) { bytes throws(WireError) in
        try Abort(parsing: bytes, type: type)
      } encode: {
        $0.object
      }
    default: _ = try ControlFrame.members(type, bytes)
    }
    isCanonical = (try? JSONValue(parsing: bytes))?.serialised() == bytes
  }

  private mutating func check<Value: Equatable>(
    _ bytes: [UInt8], decode: ([UInt8]) throws(WireError) -> Value, encode: (Value) -> JSONObject
  ) throws(WireError) {
    let value = try decode(bytes)
    let again = try? decode(JSONValue.object(encode(value)).serialised())
    isStable = again == value
  }

  // MARK: Structs

  private mutating func append(
    _ header: FrameHeader, _ payload: RawSpan, to writer: inout FrameWriter
  ) throws(WireError) {
    let stream = header.stream
    switch header.type {
    case .error: writer.append(try ErrorFrame(parsing: payload), stream: stream)
    case .data: try appendData(payload, stream: stream, to: &writer)
    case .zero: writer.append(try ZeroFrame(parsing: payload), stream: stream)
    case .damaged: writer.append(try DamagedFrame(parsing: payload), stream: stream)
    case .close: writer.append(try CloseFrame(parsing: payload), stream: stream)
    case .read: writer.append(try ReadFrame(parsing: payload), stream: stream)
    case .release:
      var numbers: [UInt32] = []
      try ReleaseFrame.parse(payload) { numbers.append($0) }
      writer.appendRelease(numbers.span)
    case .checkpoint: writer.append(try CheckpointFrame(parsing: payload))
    case .checkpointAck: writer.append(try CheckpointAckFrame(parsing: payload))
    case .busy: writer.append(try BusyFrame(parsing: payload))
    case .readDone: writer.append(try ReadDoneFrame(parsing: payload), stream: stream)
    case .extents:
      var extents: [Extent] = []
      try ExtentsFrame.parse(payload) { extents.append($0) }
      let isLast = header.flags & FrameHeader.lastExtentsFlag != 0
      writer.append(extents: extents[...], stream: stream, isLast: isLast)
    case .log: writer.append(try LogFrame(parsing: payload))
    case .progress: writer.append(try ProgressFrame(parsing: payload))
    default: break
    }
  }

  private mutating func appendData(
    _ payload: RawSpan, stream: UInt32, to writer: inout FrameWriter
  ) throws(WireError) {
    let frame = try DataFrame(parsing: payload)
    let masks = (0..<Int(frame.maskCount)).map { frame.mask($0, in: payload) }
    writer.append(frame, stream: stream, masks: masks.span)
    inline = payload.allBytes[frame.inlineOffset...]
  }
}
