internal import BackupProtocol
internal import JSON

/// Something that a plugin must refuse with an ERROR, at one stage: a row of a table.
struct Provocation: Sendable {
  let id: String
  let clause: String
  let stage: Stage
  /// "HELLO with an undefined flag".
  let what: String
  /// Codes, of which any is right.
  let codes: [ErrorCode]
  /// Whether the host waits where the plugin has to decide before the payload is there.
  var isHeaderOnly = false
  let send: @Sendable (CaseHost) -> Void

  init(
    _ id: String, _ clause: String, _ stage: Stage, _ what: String,
    _ codes: [ErrorCode] = [.protocol], isHeaderOnly: Bool = false,
    _ send: @escaping @Sendable (CaseHost) -> Void
  ) {
    self.id = id
    self.clause = clause
    self.stage = stage
    self.what = what
    self.codes = codes
    self.isHeaderOnly = isHeaderOnly
    self.send = send
  }

  /// The case of the row.
  var asCase: ConformanceCase {
    let names = codes.map(\.name).joined(separator: " or ")
    return ConformanceCase(
      id: "core." + id, clauses: [clause],
      does: "sends \(what), \(stage.words); expects \(names)",
      remedy: "refuse it with a fatal ERROR, \(names), and exit with status 1"
    ) { bench in
      let host = try bench.startWriter()
      try host.reach(stage)
      send(host)
      if !isHeaderOnly { host.probe() }
      try host.expectError(codes, clause)
    }
  }
}

extension CaseHost {
  /// Queues a control frame with any text.
  func queueControl(
    _ type: FrameType, _ text: String, flags: UInt16 = 0, stream: UInt32 = 0
  ) {
    _ = queue { $0.append(type, flags: flags, stream: stream) { $0 += Array(text.utf8) } }
  }

  /// Queues a control frame whose last brace makes room for more members.
  func queueControl(_ type: FrameType, _ object: JSONObject, adding members: String) {
    let text = JSONValue.object(object).text
    queueControl(type, text.dropLast() + "," + members + "}")
  }

  /// Queues HELLO with members in place of others.
  func queueHello(_ change: (inout JSONObject) -> Void) {
    var object = helloObject
    change(&object)
    _ = queue { $0.append(.hello, object) }
  }

  /// Queues JOB with members in place of others.
  func queueJob(_ change: (inout JSONObject) -> Void) {
    var object = jobObject(bench.contents)
    change(&object)
    _ = queue { $0.append(.job, object) }
  }

  /// Queues JOB with another first stream.
  func queueStream(_ change: (inout JSONObject) -> Void) {
    queueJob { job in
      guard var streams = job["streams"]?.array, var first = streams.first?.object else { return }
      change(&first)
      streams[0] = .object(first)
      job["streams"] = .array(streams)
    }
  }

  /// Queues a DATA of the open stream, inline, with bytes of its struct changed.
  func queueData(
    offset: UInt64 = 0, length: Int = 65536, masks: [BlockMask] = [], payload: Int? = nil,
    stream: UInt32? = nil, _ change: (inout [UInt8]) -> Void = { _ in }
  ) {
    let frame = DataFrame(
      offset: offset, length: UInt32(length), place: .inline, maskCount: UInt16(masks.count))
    let inline = [UInt8](repeating: 0xA5, count: payload ?? length)
    _ = queue(inline: inline[...]) { bytes in
      // Payload and length agree, unless a row says otherwise.
      if payload != nil { bytes.patchLength(by: inline.count - length) }
      change(&bytes)
    } _: {
      $0.append(frame, stream: stream ?? activeStream.stream.id, masks: masks.span)
    }
  }

  /// Queues any payload of the open stream.
  func queuePayload(
    _ type: FrameType, _ payload: [UInt8], flags: UInt16 = 0, stream: UInt32? = nil
  ) {
    let stream = stream ?? activeStream.stream.id
    _ = queue { $0.append(type, flags: flags, stream: stream) { $0 += payload } }
  }
}

extension [UInt8] {
  /// Little-endian, appended.
  mutating func add<Value: FixedWidthInteger>(_ value: Value) {
    for place in 0..<(Value.bitWidth / 8) {
      append(UInt8(truncatingIfNeeded: value >> Value(8 * place)))
    }
  }

  /// Little-endian, in place.
  mutating func put<Value: FixedWidthInteger>(_ value: Value, at place: Int) {
    for byte in 0..<(Value.bitWidth / 8) {
      self[place + byte] = UInt8(truncatingIfNeeded: value >> Value(8 * byte))
    }
  }

  /// Changes the length in a header.
  mutating func patchLength(by difference: Int) {
    let length = (0..<4).reduce(0) { $0 | Int(self[$1]) << (8 * $1) }
    put(UInt32(truncatingIfNeeded: length + difference), at: 0)
  }

  /// ZERO.
  static func zero(_ offset: UInt64, _ length: UInt64, _ kind: UInt32) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.add(offset)
    bytes.add(length)
    bytes.add(kind)
    bytes.add(UInt32(0))
    return bytes
  }

  /// CLOSE.
  static func close(
    _ length: UInt64, _ algorithm: UInt16, _ count: UInt16, reserved: UInt32 = 0
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.add(length)
    bytes.add(algorithm)
    bytes.add(count)
    bytes.add(reserved)
    return bytes + [UInt8](repeating: 7, count: Int(count))
  }
}
