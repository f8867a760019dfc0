import CommandLine
import BackupProtocol
import JSON
import ScriptedHost
import SharedPool
import System
import Testing

/// Something no host may do, in the middle of stream 1 of 3 MiB of which 1 MiB has come; the pool
/// has 4 slots of 1 MiB, and slot 0 is lent.
struct Misdeed: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let code: ErrorCode
  let act: @Sendable (ScriptedHost) throws -> Void

  init(
    _ description: String, _ code: ErrorCode,
    _ act: @escaping @Sendable (ScriptedHost) throws -> Void
  ) {
    testDescription = description
    self.code = code
    self.act = act
  }

  init(_ description: String, _ act: @escaping @Sendable (ScriptedHost) throws -> Void) {
    self.init(description, .protocol, act)
  }
}

private func data(
  offset: UInt64 = 1 << 20, length: UInt32 = 1 << 20, slot: UInt32 = 1, stream: UInt32 = 1,
  request: UInt32 = 0
) -> @Sendable (ScriptedHost) throws -> Void {
  { host in
    let frame = DataFrame(offset: offset, length: length, place: .slot(slot), request: request)
    try host.send { $0.append(frame, stream: stream, masks: Span()) }
  }
}

private func zero(
  offset: UInt64 = 1 << 20, length: UInt64, kind: Extent.Kind = .hole, request: UInt32 = 0,
  stream: UInt32 = 1
) -> @Sendable (ScriptedHost) throws -> Void {
  { host in
    let frame = ZeroFrame(offset: offset, length: length, kind: kind, request: request)
    try host.send { $0.append(frame, stream: stream) }
  }
}

private func close(_ length: UInt64) -> @Sendable (ScriptedHost) throws -> Void {
  { host in
    try host.send { $0.append(CloseFrame(logicalLength: length, digest: .none), stream: 1) }
  }
}

private func frame(
  _ type: UInt16, stream: UInt32 = 0, flags: UInt16 = 0, _ payload: [UInt8] = []
) -> @Sendable (ScriptedHost) throws -> Void {
  { host in
    try host.send {
      $0.append(FrameType(rawValue: type), flags: flags, stream: stream) { $0 += payload }
    }
  }
}

private let json = Array("{}".utf8)

private let misdeeds: [Misdeed] = [
  Misdeed("a gap", data(offset: 2 << 20)),
  Misdeed("an overlap", data(offset: 0)),
  Misdeed("an offset inside a cluster", data(offset: 1 << 20 | 4096)),
  Misdeed("data beyond the end", data(length: 2 << 20 | 65536)),
  Misdeed("a slot the pool does not have", data(slot: 4)),
  Misdeed("a slot of another age", data(slot: .max)),
  Misdeed("more than a slot holds", data(length: 1 << 20 | 65536)),
  Misdeed("a short piece that is not the last", data(length: 4096)),
  Misdeed("an answer to a READ nobody made", data(request: 1)),
  Misdeed("no data at all", data(length: 0)),
  Misdeed("data of another stream", .state, data(stream: 2)),
  Misdeed("data of a stream the job does not have", .state, data(stream: 9)),
  Misdeed("data of no stream", data(stream: 0)),
  Misdeed("data of a stream no job can have", data(stream: 1025)),
  Misdeed("zeros beyond the end", zero(length: 2 << 20 | 65536)),
  Misdeed("zeros beyond all numbers", zero(length: .max)),
  Misdeed("zeros with a gap", zero(offset: 2 << 20, length: 1 << 20)),
  Misdeed("short zeros that are not the last", zero(length: 65537)),
  Misdeed("zeros for a READ nobody made", zero(length: 65536, request: 7)),
  Misdeed("what is unchanged in a whole backup", zero(length: 65536, kind: .unchanged)),
  Misdeed("zeros of another stream", .state, zero(length: 65536, stream: 2)),
  Misdeed("an end too early", close(1 << 20)),
  Misdeed("the digest of an increment") { host in
    try zero(length: 2 << 20)(host)
    let digest = Digest(
      algorithm: .incrementTreeSHA256, bytes: [UInt8](repeating: 7, count: 32))
    try host.send { $0.append(CloseFrame(logicalLength: 3 << 20, digest: digest), stream: 1) }
  },
  Misdeed("an OPEN that is no object") { host in
    try zero(length: 2 << 20)(host)
    try close(3 << 20)(host)
    try frame(0x0010, stream: 2, Array("[]".utf8))(host)
  },
  Misdeed("an end that claims the rest", close(3 << 20)),
  Misdeed("a second OPEN", .state, { host in try host.send { $0.appendOpen(stream: 1) } }),
  Misdeed(
    "OPEN of the next stream", .state,
    { host in
      try host.send { $0.appendOpen(stream: 2) }
    }),
  Misdeed("FINISH in the middle", .state, { host in try host.send { $0.append(.finish, [:]) } }),
  Misdeed("a second JOB", .state, { host in try host.send { $0.append(.job, [:]) } }),
  Misdeed("a second HELLO", .state, { host in try host.send { $0.append(.hello, [:]) } }),
  Misdeed("HELLO_ACK", .state, frame(0x0002, json)),
  Misdeed("FINISHED", .state, frame(0x0006, json)),
  Misdeed("READ in write mode", .state, frame(0x0014, stream: 1, [UInt8](repeating: 0, count: 16))),
  Misdeed("RELEASE in write mode", .state, frame(0x0015, [0, 0, 0, 0])),
  Misdeed("a checkpoint nobody agreed on", .state, frame(0x0016, [UInt8](repeating: 0, count: 8))),
  Misdeed("a map nobody agreed on", .state, frame(0x001A, stream: 1, flags: 1)),
  Misdeed("LOG from the host", .state, frame(0x8001, [0, 0, 0, 0, 0x78])),
  Misdeed("a frame of the future that must be understood", .unknownFrame, frame(0x0042)),
  Misdeed("type 0", .unknownFrame, frame(0)),
  Misdeed("flags that mean nothing", frame(0x0011, stream: 1, flags: 1, [1])),
  Misdeed("a struct cut short", frame(0x0012, stream: 1, [UInt8](repeating: 0, count: 23))),
  Misdeed(
    "a payload of 4 GiB", .limit,
    { host in
      try host.sendBytes([0xFF, 0xFF, 0xFF, 0xFF, 0x11, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0])
    }),
  Misdeed(
    "a number left out",
    { host in
      try host.sendBytes([0, 0, 0, 0, 0x10, 0, 0, 0, 1, 0, 0, 0, 99, 0, 0, 0])
    }),
]

@Suite(.inTurns) struct `A broken host` {
  /// A job of two streams, the first of which has its first MiB.
  func prepare(_ place: Scratch) throws -> PluginProcess {
    let plugin = try startWriter(place)
    let first = Content.disk(1, "first", noise(3 << 20, seed: 1))
    try plugin.host.start([first, .disk(2, "second", noise(65536, seed: 2))])
    try plugin.host.send { $0.appendOpen(stream: 1) }
    try plugin.host.sendData(first, 0..<(1 << 20), masks: true)
    try plugin.host.await(.release)
    return plugin
  }

  @Test(arguments: misdeeds)
  func `never gets an archive, and hears why`(misdeed: Misdeed) throws {
    let place = try Scratch()
    let plugin = try prepare(place)
    try misdeed.act(plugin.host)
    let error = try plugin.host.awaitError()
    #expect(error.code == misdeed.code, "\(error.message)")
    #expect(error.isFatal && !error.message.isEmpty)
    #expect(plugin.wait() == .exit(1))
    #expect(try place.names() == [])
  }

  @Test func `that lends a slot again before its release is refused`() throws {
    let place = try Scratch()
    let plugin = try startWriter(
      place, Talk(shape: PoolShape(slotCount: 16, slotBytes: 1 << 20)))
    try plugin.host.start([.disk(1, "d", noise(3 << 20, seed: 1))])
    try plugin.host.send { $0.appendOpen(stream: 1) }
    // One write for both frames, and releases go out in groups of four: the slot is not back yet.
    try plugin.host.send { writer in
      for place in 0...1 {
        let frame = DataFrame(offset: UInt64(place) << 20, length: 1 << 20, place: .slot(2))
        writer.append(frame, stream: 1, masks: Span())
      }
    }
    let error = try plugin.host.awaitError()
    #expect(error.code == .protocol && error.message.contains("slot 2"))
    #expect(plugin.wait() == .exit(1))
    #expect(try place.names() == [])
  }

  @Test(arguments: ["GET / HTTP/1.1\r\n\r\n", "\u{89}SLU\n\n", "{}"])
  func `that does not speak the protocol is told so`(text: String) throws {
    let place = try Scratch()
    let plugin = try PluginProcess(
      "sluice-writer-raw", target: place.descriptor, pool: nil)
    try plugin.host.sendBytes(Array(text.utf8))
    #expect(try plugin.host.awaitError().code == .protocol)
    #expect(plugin.wait() == .exit(1))
  }

  @Test func `of another version is told so`() throws {
    let place = try Scratch()
    let plugin = try PluginProcess(
      "sluice-writer-raw", target: place.descriptor, pool: nil)
    var hello = Hello(
      features: [], slotCount: 4, slotBytes: 65536, hostName: "old", hostVersion: "0")
    hello.versions = [2, 99]
    try plugin.host.send { $0.append(.hello, hello.object) }
    #expect(try plugin.host.awaitError().code == .version)
    #expect(plugin.wait() == .exit(1))
  }

  @Test func `may say more than this version knows`() throws {
    let place = try Scratch()
    let plugin = try PluginProcess(
      "sluice-writer-raw", target: place.descriptor, pool: nil)
    let host = plugin.host
    var hello = Hello(
      features: ["grease-1", "shm-of-the-future"], slotCount: 4, slotBytes: 65536,
      hostName: "new", hostVersion: "9"
    ).object
    hello["versions"] = [1, 2, 3]
    hello["grease-5"] = ["a": [1, nil, "x"]]
    try host.send { $0.append(.hello, hello) }
    #expect(try HelloAck(parsing: try host.await(.helloAck).payload).features == [])
    let contents: [Content] = [.disk(1, "d", noise(200_000, seed: 1)), .config(2, "c", [1])]
    host.isGreasing = true
    try host.start(contents)
    for content in contents { try host.write(content, digest: treeDigest(content.bytes)) }
    _ = try host.finish()
    #expect(plugin.wait() == .exit(0))
    #expect(areEqual(try place.bytes("d.raw"), contents[0].bytes))
  }
}
