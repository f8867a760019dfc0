import BackupProtocol
import CommandLine
import Glibc
import JSON
import ScriptedHost
import SharedPool
import System
import Testing

/// What a plugin answers to frames that may not come, and to a host that calls it off.
@Suite(.inTurns) struct `The state machine of the SDKs` {
  /// How far a conversation has got.
  enum State: String, CaseIterable { case start, greeted, ready, active, done, reading }

  private static let disk = Content.disk(1, "d", noise(1 << 20, seed: 1))

  /// Brings a plugin into a state.
  private func process(_ example: Example, in state: State) throws -> PluginProcess {
    let shape = PoolShape(slotCount: 4, slotBytes: 1 << 20)
    if state == .reading {
      let process = try example.workshop.startReader(try example.write([Self.disk]))
      _ = try process.host.startReading(.read, format: "reel", output: .file)
      return process
    }
    let target = try ScratchArchive().opened(O_RDWR | O_CREAT)
    let process = try PluginProcess(
      example.workshop.plugin, target: target, pool: try SharedPool(shape, name: "test"),
      shape: shape)
    if state == .start { return process }
    try process.host.greet(features: ["shm"])
    if state == .greeted { return process }
    try process.host.start([Self.disk], format: "reel", output: .file)
    if state == .ready { return process }
    try process.host.send { $0.appendOpen(stream: 1) }
    if state == .active { return process }
    try process.host.sendData(Self.disk, 0..<(1 << 20), masks: true)
    let close = CloseFrame(logicalLength: 1 << 20, digest: .none)
    try process.host.send { $0.append(close, stream: 1) }
    try process.host.send { $0.append(.finish, [:]) }
    try process.host.await(.finished)
    return process
  }

  /// Frames that a host may send, and the states that admit them.
  private static let frames: [(FrameType, Set<State>)] = [
    (.hello, [.start]), (.job, [.greeted]), (.open, [.ready]), (.data, [.active]),
    (.zero, [.active]), (.close, [.active]), (.finish, [.reading]), (.read, [.reading]),
    (.release, [.reading]), (.extents, []), (.checkpoint, []), (.helloAck, []), (.finished, []),
    (.log, []), (.busy, []), (.readDone, []), (.damaged, []),
  ]

  private func append(_ type: FrameType, to writer: inout FrameWriter) {
    switch type {
    case .hello, .job, .finish, .helloAck, .finished: writer.append(type, [:])
    case .open: writer.appendOpen(stream: 1)
    case .data:
      writer.append(DataFrame(offset: 0, length: 65536, place: .slot(0)), stream: 1, masks: Span())
    case .zero: writer.append(ZeroFrame(offset: 0, length: 65536, kind: .zero), stream: 1)
    case .close: writer.append(CloseFrame(logicalLength: 0, digest: .none), stream: 1)
    case .read: writer.append(ReadFrame(), stream: 1)
    case .release: writer.appendRelease([7].span)
    case .extents: writer.append(extents: [], stream: 1, isLast: true)
    case .checkpoint: writer.append(CheckpointFrame(id: 1))
    case .log: writer.append(LogFrame(level: .info, text: "x"))
    case .busy: writer.append(BusyFrame(expectedMilliseconds: 1, reason: "x"))
    case .readDone: writer.append(ReadDoneFrame(request: 1, status: .none), stream: 1)
    default:
      writer.append(DamagedFrame(offset: 0, length: 65536, request: 1, reason: "x"), stream: 1)
    }
  }

  @Test(arguments: Example.all, State.allCases)
  func `refuses every known frame that a state does not admit`(
    _ example: Example, in state: State
  ) throws {
    for (type, states) in Self.frames where !states.contains(state) {
      let process = try process(example, in: state)
      try process.host.send { append(type, to: &$0) }
      if state == .done {
        // FINISHED was its last word.
        #expect(throws: HostError.ended) { try process.host.receive() }
      } else {
        #expect(try process.host.awaitError().code == .state, "\(type.name)")
      }
      #expect(process.wait() == .exit(1), "\(type.name)")
    }
  }

  @Test(arguments: Example.all, State.allCases)
  func `answers ABORT, and ends with its input`(_ example: Example, in state: State) throws {
    let aborted = try process(example, in: state)
    try aborted.host.send { $0.append(.abort, [:]) }
    if state == .done {
      #expect(throws: HostError.ended) { try aborted.host.receive() }
    } else {
      try aborted.host.await(.aborted)
    }
    #expect(aborted.wait() == .exit(1))
    let left = try process(example, in: state)
    left.host.closeInput()
    #expect(throws: HostError.ended) { try left.host.await(.aborted) }
    #expect(left.wait() == .exit(state == .done ? 0 : 1))
    let failed = try process(example, in: state)
    try failed.host.send { $0.append(ErrorFrame(code: .io, message: "no")) }
    #expect(throws: HostError.ended) { try failed.host.await(.aborted) }
    #expect(failed.wait() == .exit(1))
  }

  @Test(arguments: Example.all, State.allCases)
  func `names unknown frames, and skips those that may be skipped`(
    _ example: Example, in state: State
  ) throws {
    let skipping = try process(example, in: state)
    try skipping.host.send { writer in
      writer.append(FrameType(rawValue: 0xF123), flags: 77, stream: 9999) { $0 += [1, 2, 3] }
    }
    let isRefused = state == .start
    if isRefused { #expect(try skipping.host.awaitError().code == .state) }
    if state == .done {
      skipping.host.closeInput()
      #expect(skipping.wait() == .exit(0))
      return
    }
    let stopping = isRefused ? try process(example, in: state) : skipping
    try stopping.host.send { writer in writer.append(FrameType(rawValue: 0x0123)) { _ in } }
    #expect(try stopping.host.awaitError().code == .unknownFrame)
    #expect(stopping.wait() == .exit(1))
  }

  @Test(arguments: Example.all)
  func `holds the data against position, size and lent slots`(_ example: Example) throws {
    let wrong: [(ErrorCode, (inout FrameWriter) -> Void)] = [
      (.protocol, { $0.append(ZeroFrame(offset: 65536, length: 65536, kind: .zero), stream: 1) }),
      (.protocol, { $0.append(ZeroFrame(offset: 0, length: 2 << 20, kind: .zero), stream: 1) }),
      (.protocol, { $0.append(ZeroFrame(offset: 0, length: 65537, kind: .zero), stream: 1) }),
      (.protocol, { $0.append(ZeroFrame(offset: 0, length: 65536, kind: .unchanged), stream: 1) }),
      (.protocol, { $0.append(CloseFrame(logicalLength: 1 << 20, digest: .none), stream: 1) }),
      (.state, { $0.append(CloseFrame(logicalLength: 0, digest: .none), stream: 2) }),
      (
        .protocol,
        {
          $0.append(
            DataFrame(offset: 0, length: 65536, place: .slot(4)), stream: 1, masks: Span())
        }
      ),
      (
        .protocol,
        {
          $0.append(
            DataFrame(offset: 0, length: 65536, place: .slot(0), request: 3), stream: 1,
            masks: Span())
        }
      ),
    ]
    for (code, frame) in wrong {
      let process = try process(example, in: .active)
      try process.host.send(frame)
      #expect(try process.host.awaitError().code == code)
      #expect(process.wait() == .exit(1))
    }
  }

  @Test(arguments: Example.all)
  func `says what it has released before its last word`(_ example: Example) throws {
    let talk = Talk(shape: PoolShape(slotCount: 16, slotBytes: 65536))
    let process = try example.start(try ScratchArchive(), talk)
    process.host.isGreasing = false
    try process.host.start([.disk(1, "d", noise(65536, seed: 1))], format: "reel", output: .file)
    process.host.lend(try process.host.takeSlot(), as: process.host.sequence + 1)
    // At once, so that it need not wait in between.
    try process.host.send {
      $0.appendOpen(stream: 1)
      let data = DataFrame(offset: 0, length: 65536, place: .slot(0))
      $0.append(data, stream: 1, masks: Span())
      $0.append(CloseFrame(logicalLength: 65536, digest: .none), stream: 1)
      $0.append(.finish, [:])
    }
    try process.host.await(.finished)
    #expect(process.host.unreleased == 0)
    process.host.closeInput()
    #expect(process.wait() == .exit(0))
  }

  @Test(arguments: Example.all)
  func `tells its manifest, that it is a plugin, and frames in words`(
    _ example: Example
  ) async throws {
    let program = "\(example.folder)/\(example.program)"
    let place = try Scratch()
    let told = try await place.shell("SLUICE_PROTOCOL=info '\(program)'")
    let file = try await place.shell("cat '\(example.folder)/reel.json'")
    #expect(try JSONValue(parsing: Array(told.utf8)) == JSONValue(parsing: Array(file.utf8)))
    #expect(try Manifest(parsing: Array(ownProfile(file).utf8)).name == "reel-\(example.language)")
    let bare = try await place.shell("'\(program)' || test $? = 2")
    #expect(bare.contains("reel") && bare.contains("Sluice"))
    // HELLO, and the end of the input.
    var writer = FrameWriter()
    let hello = Hello(
      features: [], slotCount: 4, slotBytes: 65536, hostName: "test", hostVersion: "1")
    writer.append(.hello, hello.object)
    try place.create("3", writer.pending)
    let words = try await place.shell(
      "SLUICE_TRACE=1 SLUICE_PROTOCOL=1 '\(program)' 3<3 4>4 || test $? = 1")
    let lines = words.split(separator: "\n")
    for (direction, frame, begin) in [
      ("H → P", "HELLO", "{\"versions\":[1]"), ("P → H", "HELLO_ACK", "{\"version\":1"),
    ] {
      #expect(
        lines.contains { line in
          line.hasPrefix("sluice-trace: \(direction) ") && line.contains("#0")
            && line.contains(frame) && line.contains(begin)
        }, "\(words)")
    }
  }

  /// The manifest without a profile that this version of the host may not know.
  private func ownProfile(_ text: String) -> String {
    Example.hasPython
      ? text : text.replacing("\"profile\": \"python\"", with: "\"profile\": \"dynamic\"")
  }
}
