import BackupProtocol
import Testing

@Suite struct AnswerStateMachineTests {
  private var states = AnswerStateMachine(
    request: 7, size: 65536, slotCount: 4, slotBytes: 65536)

  private func data(slot: UInt32 = 3, length: UInt32 = 65536, request: UInt32 = 7) -> StreamFrame {
    .data(DataFrame(offset: 0, length: length, place: .slot(slot), request: request))
  }

  private let close = StreamFrame.close(CloseFrame(logicalLength: 65536, digest: .none))

  private func done(_ status: ErrorCode) -> StreamFrame {
    .readDone(ReadDoneFrame(request: 7, status: status))
  }

  @Test mutating func `a good answer passes`() throws {
    for frame in [.open, data(), close, done(.none)] {
      #expect(!states.isDone)
      try states.receive(frame)
    }
    #expect(states.isDone)
  }

  @Test func `a READ may fail at any point`() throws {
    for count in 0...3 {
      var states = states
      for frame in [.open, data(), close].prefix(count) { try states.receive(frame) }
      try states.receive(done(.corrupt))
      #expect(states.isDone)
    }
  }

  @Test func `what is lost comes where data would, and answers this READ`() throws {
    func damaged(_ request: UInt32, at offset: UInt64 = 0) -> StreamFrame {
      .damaged(DamagedFrame(offset: offset, length: 65536, request: request, reason: "lost"))
    }
    let end = StreamFrame.close(CloseFrame(logicalLength: 131072, digest: .none))
    var good = AnswerStateMachine(request: 7, size: 131072, slotCount: 4, slotBytes: 65536)
    for frame in [.open, data(), damaged(7, at: 65536), end, done(.none)] {
      try good.receive(frame)
    }
    #expect(good.isDone)
    for frames in [[damaged(7)], [.open, damaged(8)], [.open, data(), close, damaged(7)]] {
      var states = states
      for frame in frames.dropLast() { try states.receive(frame) }
      #expect(throws: WireError.self) { try states.receive(frames[frames.count - 1]) }
    }
  }

  @Test(arguments: [false, true])
  func `a digest is one of the kind of the stream`(isIncremental: Bool) throws {
    let algorithms: [DigestAlgorithm] = [.treeSHA256, .incrementTreeSHA256]
    for algorithm in algorithms {
      var states = AnswerStateMachine(
        request: 7, size: 65536, isIncremental: isIncremental, slotCount: 4, slotBytes: 65536)
      for frame in [.open, data()] { try states.receive(frame) }
      let digest = Digest(algorithm: algorithm, bytes: [UInt8](repeating: 7, count: 32))
      let end = StreamFrame.close(CloseFrame(logicalLength: 65536, digest: digest))
      if isIncremental == (algorithm == .incrementTreeSHA256) {
        try states.receive(end)
      } else {
        let error = #expect(throws: WireError.self) { try states.receive(end) }
        #expect(error?.rule.clause == "10.1-2")
      }
    }
  }

  @Test func `what comes out of order is refused`() throws {
    for frames in [
      [data()], [close], [.open, .open], [.open, done(.none)], [.open, close],
      [.open, data(), close, data()],
    ] {
      var states = states
      for frame in frames.dropLast() { try states.receive(frame) }
      #expect(throws: WireError.self) { try states.receive(frames[frames.count - 1]) }
    }
  }

  @Test func `an increment may be unchanged in parts`() throws {
    var states = AnswerStateMachine(
      request: 7, size: 65536, isIncremental: true, slotCount: 4, slotBytes: 65536)
    try states.receive(.open)
    try states.receive(.zero(ZeroFrame(offset: 0, length: 65536, kind: .unchanged, request: 7)))
  }

  @Test func `what is not of this READ, the pool or a full backup is refused`() throws {
    let unchanged = ZeroFrame(offset: 0, length: 65536, kind: .unchanged, request: 7)
    for frame in [data(slot: 4), data(length: 131_072), data(request: 8), .zero(unchanged)] {
      var states = states
      try states.receive(.open)
      #expect(throws: WireError.self) { try states.receive(frame) }
    }
  }
}

@Suite struct RangeAnswerTests {
  /// The answer to a READ of the second and third cluster of a longer stream.
  private var states = AnswerStateMachine(
    request: 7, range: 65536..<196_608, slotCount: 4, slotBytes: 65536)

  private func data(_ offset: UInt64) -> StreamFrame {
    .data(DataFrame(offset: offset, length: 65536, place: .slot(3), request: 7))
  }

  private func zeros(_ offset: UInt64, _ length: UInt64) -> StreamFrame {
    .zero(ZeroFrame(offset: offset, length: length, kind: .hole, request: 7))
  }

  private func done(_ status: ErrorCode) -> StreamFrame {
    .readDone(ReadDoneFrame(request: 7, status: status))
  }

  @Test func `it begins and ends with the range, or fails at any point`() throws {
    var good = states
    for frame in [data(65536), zeros(131_072, 65536), done(.none)] {
      #expect(!good.isDone)
      try good.receive(frame)
    }
    #expect(good.isDone)
    for frames in [[], [data(65536)], [zeros(65536, 131_072)]] {
      var states = states
      for frame in frames { try states.receive(frame) }
      try states.receive(done(.corrupt))
      #expect(states.isDone)
    }
  }

  @Test func `what is beyond it, missing of it or of a whole stream is refused by its clause`()
    throws
  {
    let close = StreamFrame.close(CloseFrame(logicalLength: 196_608, digest: .none))
    for (frames, clause) in [
      ([.open], "7.2-2"), ([zeros(65536, 131_072), close], "7.2-2"), ([done(.none)], "7.2-2"),
      ([data(65536), done(.none)], "7.2-2"), ([zeros(65536, 196_608)], "7.2-2"),
      ([data(0)], "6.2-3"), ([data(131_072)], "6.2-3"), ([zeros(65536, 512)], "6.2-4"),
      ([data(65536), data(65536)], "6.2-3"),
    ] as [([StreamFrame], String)] {
      var states = states
      for frame in frames.dropLast() { try states.receive(frame) }
      let error = #expect(throws: WireError.self) { try states.receive(frames[frames.count - 1]) }
      #expect(error?.rule.clause == clause, "\(frames)")
    }
  }

  @Test func `an odd end is the stream's`() throws {
    var states = AnswerStateMachine(request: 7, range: 65536..<65_541, slotCount: 0, slotBytes: 1)
    try states.receive(zeros(65536, 5))
    try states.receive(done(.none))
  }
}

@Suite struct WriterStateMachineTests {
  private var states = WriterStateMachine([
    StreamDescription(id: 1, kind: .disk, name: "a", role: "disk", size: 65536),
    StreamDescription(id: 2, kind: .disk, name: "b", role: "disk", size: 0),
  ])

  @Test mutating func `a good job passes`() throws {
    #expect(try states.receive(.extents, stream: 2)?.name == "b")
    for (id, size) in [(2, 0), (1, 65536)] as [(UInt32, UInt64)] {
      #expect(try states.receive(.open, stream: id)?.id == id)
      if size > 0 {
        #expect(try states.receive(.data, stream: id)?.id == id)
        #expect(try states.advance(.data, offset: 0, length: size) == 0..<size)
      }
      #expect(try states.receive(.close, stream: id)?.id == id)
      try states.close(CloseFrame(logicalLength: size, digest: .none))
    }
    #expect(try states.receive(.finish, stream: 0) == nil)
    states.sentFinished()
    #expect(states.isFinished)
  }

  @Test mutating func `what comes out of order is refused`() throws {
    #expect(throws: WireError.self) { try states.receive(.data, stream: 1) }
    #expect(throws: WireError.self) { try states.receive(.finish, stream: 0) }
    #expect(throws: WireError.field(.open, field: "stream", value: 3)) {
      try states.receive(.open, stream: 3)
    }
    _ = try states.receive(.open, stream: 1)
    #expect(throws: WireError.state(.open, state: "inside stream 1")) {
      try states.receive(.open, stream: 2)
    }
    #expect(throws: WireError.self) { try states.receive(.data, stream: 2) }
    #expect(throws: WireError.self) { try states.advance(.zero, offset: 0, length: 131_072) }
    #expect(throws: WireError.self) {
      try states.close(CloseFrame(logicalLength: 0, digest: .none))
    }
  }
}

@Suite struct ReaderStateMachineTests {
  @Test func `FINISH comes between READs, and nothing but RELEASE after it`() throws {
    var states = ReaderStateMachine()
    try states.receive(.read)
    states.beginAnswer()
    try states.receive(.read)
    try states.receive(.release)
    #expect(throws: WireError.state(.finish, state: "while a stream is read")) {
      try states.receive(.finish)
    }
    states.sentReadDone()
    try states.receive(.finish)
    states.sentFinished()
    try states.receive(.release)
    #expect(throws: WireError.state(.read, state: "after FINISHED")) { try states.receive(.read) }
    #expect(throws: WireError.self) { try states.receive(.finish) }
  }
}

@Suite struct StreamCursorTests {
  @Test func `ranges follow each other in whole clusters to the end`() throws {
    var cursor = StreamCursor(size: 196_613)
    #expect(try cursor.advance(offset: 0, length: 65536) == 0..<65536)
    #expect(throws: StreamCursor.Fault.gap) { try cursor.advance(offset: 0, length: 65536) }
    #expect(throws: StreamCursor.Fault.gap) { try cursor.advance(offset: 131_072, length: 65536) }
    #expect(throws: StreamCursor.Fault.cluster) { try cursor.advance(offset: 65536, length: 5) }
    #expect(throws: StreamCursor.Fault.length) { try cursor.advance(offset: 65536, length: 0) }
    #expect(throws: StreamCursor.Fault.length) {
      try cursor.advance(offset: 65536, length: 131_078)
    }
    try cursor.advance(offset: 65536, length: 131_077)
    #expect(cursor.position == 196_613)
  }

  @Test func `where the size is unknown any piece may be the last`() throws {
    var cursor = StreamCursor(size: nil)
    try cursor.advance(offset: 0, length: 5)
    #expect(throws: StreamCursor.Fault.length) {
      try cursor.advance(offset: 5, length: Limits.streamBytesMax)
    }
  }
}
