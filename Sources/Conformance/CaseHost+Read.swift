internal import BackupProtocol
internal import SharedPool
internal import System

/// The answer to a READ.
struct Answer: Sendable {
  var stream: StreamDescription
  var status = ErrorCode.none
  /// What an ERROR said of the status.
  var reason = ""
  /// The range, with zeros where nothing came; empty if it is larger than memory.
  var bytes: [UInt8] = []
  var extents: [Extent] = []
  var damaged: [Range<UInt64>] = []
  var digest = Digest.none

  /// How the READ ended, for people.
  var ending: String { reason.isEmpty ? status.name : "\(status.name) (\(reason))" }

  /// Whether a host would take the bytes: nothing failed, and no digest speaks against them.
  var isAccepted: Bool {
    status == .none && damaged.isEmpty && disagreement == nil
  }

  /// The digest, of CLOSE or JOB_ACK, that is not that of the bytes.
  var disagreement: String? {
    let own: Digest? = stream.isIncremental ? Bytes.digest(bytes, extents) : Bytes.digest(bytes)
    for (place, digest) in [("CLOSE", digest), ("JOB_ACK", stream.digest ?? .none)]
    where digest.algorithm == own?.algorithm && digest != own { return place }
    return nil
  }
}

/// When a host gives back what a reader lent it.
enum ReleasePolicy: Sendable {
  case atOnce
  /// When there is no credit left, all of it, the newest first.
  case late
}

/// What is lent by a reader, and how much that may be.
private struct Borrowed {
  var frames: [(number: UInt32, slot: Int, count: Int)] = []

  var inlineBytes: Int { frames.reduce(0) { $0 + ($1.slot < 0 ? $1.count : 0) } }
}

extension CaseHost {
  /// Bytes above which a stream is thrown away instead of kept.
  private static let keptBytesMax: UInt64 = 256 << 20

  /// Asks for a stream or a range of it, and takes the answer.
  func read(
    _ stream: StreamDescription, _ frame: ReadFrame = ReadFrame(),
    _ policy: ReleasePolicy = .atOnce
  ) throws -> Answer {
    let request = try send { $0.append(frame, stream: stream.id) }
    return try takeAnswer(to: request, stream, frame, policy)
  }

  func takeAnswer(
    to request: UInt32, _ stream: StreamDescription, _ frame: ReadFrame,
    _ policy: ReleasePolicy = .atOnce
  ) throws -> Answer {
    var states = states(request, stream, frame)
    var (answer, borrowed) = (Answer(stream: stream), Borrowed())
    let size = frame.isWholeStream ? stream.size ?? 0 : frame.length
    if size <= Self.keptBytesMax { answer.bytes = [UInt8](repeating: 0, count: Int(size)) }
    while true {
      guard let received = try next(policy, &borrowed) else { continue }
      try admit(received)
      if received.type == .error {
        try takeError(received, awaited: "the answer to a READ")
        try checkError(request)
      }
      guard let part = try part(received) else { continue }
      if received.header.stream != stream.id {
        throw Fault("7.2-3", "\(received.type.name) names another stream than the READ")
      }
      do throws(WireError) { try states.receive(part) } catch { throw Fault(error) }
      try take(part, received, from: frame.offset, into: &answer, &borrowed, policy)
      if case .readDone = part {
        try release(&borrowed)
        answer.reason = readErrors.last { $0.answers == request }?.message ?? ""
        return answer
      }
    }
  }

  private func states(
    _ request: UInt32, _ stream: StreamDescription, _ frame: ReadFrame
  ) -> AnswerStateMachine {
    let (count, bytes) = (isShared ? setup.shape.slotCount : 0, setup.shape.slotBytes)
    guard frame.isWholeStream else {
      return AnswerStateMachine(
        request: request, range: frame.offset..<(frame.offset + frame.length),
        isIncremental: stream.isIncremental, slotCount: count, slotBytes: bytes)
    }
    return AnswerStateMachine(
      request: request, size: stream.size, isIncremental: stream.isIncremental, slotCount: count,
      slotBytes: bytes)
  }

  /// The next frame; where none comes, what is borrowed is given back.
  private func next(_ policy: ReleasePolicy, _ borrowed: inout Borrowed) throws -> Received? {
    if let frame = takeReceived() { return frame }
    if policy == .late, !borrowed.frames.isEmpty {
      if try !turn(seconds: 0.03) || hasInputEnded { try release(&borrowed) }
      return nil
    }
    return try receive("the answer to a READ", "4.10-2")
  }

  private func checkError(_ request: UInt32) throws {
    guard let error = readErrors.last, error.answers == request else {
      throw Fault("4.5-1", "an ERROR about a READ does not have the number of the READ in `re`")
    }
  }

  private func part(_ received: Received) throws -> StreamFrame? {
    guard [.open, .data, .zero, .damaged, .close, .readDone].contains(received.type) else {
      return nil
    }
    do throws(WireError) {
      return try Bytes.parse(received.payload) { payload throws(WireError) in
        try StreamFrame(received.type, parsing: payload)
      }
    } catch { throw Fault(error) }
  }

  private func take(
    _ part: StreamFrame, _ received: Received, from start: UInt64, into answer: inout Answer,
    _ borrowed: inout Borrowed, _ policy: ReleasePolicy
  ) throws {
    switch part {
    case .data(let data):
      try borrow(data, received.header.sequence, &borrowed)
      if !answer.bytes.isEmpty { copy(data, received, from: start, into: &answer) }
      answer.extents.append(upTo: data.offset + UInt64(data.length), .data)
      if policy == .atOnce { try release(&borrowed) }
    case .zero(let zero): answer.extents.append(upTo: zero.offset + zero.length, zero.kind)
    case .damaged(let damaged):
      answer.damaged.append(damaged.offset..<(damaged.offset + damaged.length))
    case .close(let close): answer.digest = close.digest
    case .readDone(let done): answer.status = done.status
    case .open: break
    }
  }

  /// Holds a DATA against the credit that the plugin has.
  private func borrow(_ data: DataFrame, _ number: UInt32, _ borrowed: inout Borrowed) throws {
    var slot = -1
    if case .slot(let index) = data.place { slot = Int(index) }
    if slot >= 0, borrowed.frames.contains(where: { $0.slot == slot }) {
      throw Fault("4.7-6", "lent slot \(slot) again before its release")
    }
    borrowed.frames.append((number, slot, Int(data.length)))
    guard borrowed.frames.count <= Int(setup.inflight) else {
      throw Fault("8.1-1", "has \(borrowed.frames.count) DATA unreleased of \(setup.inflight)")
    }
    guard borrowed.inlineBytes <= Int(setup.windowBytes) else {
      throw Fault("8.1-1", "has more inline bytes unreleased than the window of HELLO")
    }
  }

  private func release(_ borrowed: inout Borrowed) throws {
    guard !borrowed.frames.isEmpty else { return }
    let numbers = borrowed.frames.map(\.number).reversed() as [UInt32]
    borrowed.frames = []
    try send { $0.appendRelease(numbers.span) }
  }

  private func copy(
    _ data: DataFrame, _ received: Received, from start: UInt64, into answer: inout Answer
  ) {
    let (length, place) = (Int(data.length), Int(data.offset - start))
    guard place + length <= answer.bytes.count else { return }
    switch data.place {
    case .inline:
      Bytes.put(
        received.payload, data.inlineOffset..<data.inlineOffset + length, into: &answer.bytes,
        at: place)
    case .slot(let slot):
      Bytes.put(pool?.bytes(Int(slot), length) ?? [], 0..<length, into: &answer.bytes, at: place)
    }
    guard data.maskCount > 0 else { return }
    for cluster in 0..<data.clusterCount {
      let at = 32 + 2 * cluster
      let bits = UInt16(received.payload[at]) | UInt16(received.payload[at + 1]) << 8
      for block in 0..<16 where bits >> block & 1 == 0 {
        let from = place + cluster * 65536 + block * 4096
        guard from < place + length else { break }
        Bytes.clear(&answer.bytes, from..<min(from + 4096, place + length))
      }
    }
  }
}
