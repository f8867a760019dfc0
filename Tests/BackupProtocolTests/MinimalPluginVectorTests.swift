import CommandLine
import BackupProtocol
import FrameExercise
import Testing

/// The plugin printed in protocol.md §19 is sent every vector that a host could send, each at its
/// place in a session.
@Suite(.inTurns, .enabled(if: MinimalPlugin.canRun, "needs python3"))
struct MinimalPluginVectorTests {
  private static let vectors = Vector.all.filter { $0.keys["direction"] == "host-to-plugin" }

  @Test(arguments: vectors.filter { $0.expectation.hasPrefix("E_") })
  func `the printed plugin refuses what breaks a rule`(_ vector: Vector) throws {
    let code = try answer(to: Session.bytes(vector))
    if vector.name.hasPrefix("job-machine-") {
      #expect(code == nil, "§19 says that it does not look at it")
    } else {
      #expect(code == vector.expectation || code == Self.refusedBefore(vector), "\(code ?? "-")")
    }
  }

  @Test(arguments: vectors.filter { !$0.expectation.hasPrefix("E_") })
  func `the printed plugin refuses nothing else`(_ vector: Vector) throws {
    let code = try answer(to: Session.bytes(vector))
    let reason = Self.refusedBefore(vector) ?? Self.doesNotFit[vector.name]
    #expect(code == nil || code == reason, "\(code ?? "-")")
  }

  /// What the plugin says of a frame that it does not take, before it looks what is in it.
  private static func refusedBefore(_ vector: Vector) -> String? {
    switch Session.type(of: vector) {
    case .read, .checkpoint, .extents, .finish, .damaged: "E_STATE"
    case .job where vector.name == "job-options": "E_BAD_OPTION"
    case .job where declined.contains { vector.name.hasPrefix("job-" + $0) }: "E_UNSUPPORTED"
    default: nil
    }
  }

  private static let declined = [
    "read", "verify", "full", "differential", "increment", "scratch", "salvage",
  ]

  /// Vectors that are right by themselves, and not after what the session has had.
  private static let doesNotFit: [String: String] = {
    let names =
      [
        "close-empty", "close-increment", "close-largest", "close-none", "close-sha256",
        "data-inline-one", "zero-tail", "zero-kind-unchanged",
      ] + vectors.map(\.name).filter { $0.hasPrefix("data-") && !$0.hasPrefix("data-inline") }
    return Dictionary(uniqueKeysWithValues: names.map { ($0, "E_PROTOCOL") })
      .merging(["hello-require-known": "E_UNSUPPORTED"]) { first, _ in first }
  }()

  private func answer(to input: [UInt8]) throws -> String? {
    let plugin = try MinimalPlugin(input: input, format: "raw")
    #expect(plugin.status == 1 && plugin.isOutputEmpty, "the job is not finished")
    let output = Exercise(plugin.output)
    #expect(output.error == nil && output.endsAtBoundary)
    guard let last = output.frames.last, last.header.type == .error else { return nil }
    return ErrorCode(rawValue: UInt32(last.payload[0])).name
  }

  /// Inline data at the begin of a stream: a change of its bytes, of which each breaks a rule. Most
  /// vectors of DATA have slots.
  private static let changes: [(place: Int, byte: UInt8, code: String?)] = [
    (0, 0, nil),  // none
    (2, 1, "E_PROTOCOL"),  // begins at 65536
    (8, 0, "E_PROTOCOL"),  // a length of 0
    (8, 7, "E_PROTOCOL"),  // another one than there is
    (12, 2, "E_PROTOCOL"),  // where
    (14, 0, "E_PROTOCOL"),  // the mask is not counted
    (14, 2, "E_PROTOCOL"),  // or twice
    (16, 1, "E_PROTOCOL"), (20, 1, "E_PROTOCOL"),  // a slot
    (24, 1, "E_PROTOCOL"),  // answers a READ
    (28, 1, "E_PROTOCOL"),  // reserved
    (32, 0, nil),  // the block is zero
    (32, 3, "E_PROTOCOL"),  // a block behind the end
    (33, 0x80, "E_PROTOCOL"),
    (34, 1, "E_PROTOCOL"), (39, 1, "E_PROTOCOL"),  // padding
    (40, 0xFF, nil),  // the data
  ]

  @Test(arguments: changes)
  func `the printed plugin looks at all of DATA`(place: Int, byte: UInt8, code: String?) throws {
    var payload: [UInt8] = [UInt8](repeating: 0, count: 46)
    (payload[8], payload[14], payload[32]) = (6, 1, 1)
    payload[place] = byte
    var writer = Session.writer(upTo: .data, stream: 1)
    writer.append(.data, stream: 1) { $0 += payload }
    #expect(try answer(to: writer.pending) == code)
  }
}

/// What a host sends before the frame that is looked at.
private enum Session {
  private static let hello = """
    {"versions":[1],"features":["shm"],"limits":{"max_frame":1114112},
     "pool":{"slots":16,"slot_size":1048576}}
    """
  private static let job = """
    {"mode":"write","job":"x","format":"raw","output":{"fd":6,"kind":"directory"},"streams":[
     {"id":1,"kind":"disk","name":"a","size":1048576},
     {"id":9,"kind":"disk","name":"b","size":1048576},
     {"id":1024,"kind":"disk","name":"c","size":1048576}]}
    """

  static func type(of vector: Vector) -> FrameType? {
    guard vector.bytes.count >= 16 else { return nil }
    return FrameType(rawValue: UInt16(vector.bytes[12]) | UInt16(vector.bytes[13]) << 8)
  }

  static func writer(upTo type: FrameType, stream: UInt32) -> FrameWriter {
    var writer = FrameWriter()
    guard type != .hello else { return writer }
    writer.append(.hello) { $0 += Array(hello.utf8) }
    guard type != .job else { return writer }
    writer.append(.job) { $0 += Array(job.utf8) }
    guard [.data, .zero, .close].contains(type) else { return writer }
    writer.append(.open, stream: stream) { $0 += Array("{}".utf8) }
    return writer
  }

  /// A vector's frames, numbered anew behind what comes before them. Where it is about numbers, or
  /// has no frame, nothing comes before.
  static func bytes(_ vector: Vector) -> [UInt8] {
    guard let type = type(of: vector), type != .hello, !vector.name.hasPrefix("seq-") else {
      return vector.bytes
    }
    let stream = integer(vector.bytes, at: Limits.preamble.count + 8)
    let writer = writer(upTo: type, stream: [1, 9, 1024].contains(stream) ? stream : 1)
    var bytes = Array(vector.bytes.dropFirst(Limits.preamble.count))
    var place = 0
    while place + FrameHeader.byteCount <= bytes.count {
      let number = integer(bytes, at: place + 12) &- vector.firstSequence &+ writer.sequence
      for byte in 0..<4 {
        bytes[place + 12 + byte] = UInt8(truncatingIfNeeded: number >> (8 * byte))
      }
      place += FrameHeader.byteCount + Int(integer(bytes, at: place))
    }
    return writer.pending + bytes
  }

  private static func integer(_ bytes: [UInt8], at place: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) }
  }
}
