internal import BackupProtocol
internal import JSON
internal import Sandbox
internal import SharedPool

/// Plays one line of a recording after the other.
struct ReplayPlayer {
  private(set) var outcome = Replay.Outcome()
  private let host: CaseHost
  private var filler = ContentFiller()
  /// A DATA to the plugin whose slot is told by the next line.
  private var held: (frame: RecordedFrame, data: DataFrame)?
  /// What the plugin sent in place of the DATA of the line before, and in which slot.
  private var answered: (slot: Int, count: Int)?
  /// Numbers of the plugin's DATA: as recorded, and as they are now.
  private var numbers: [UInt32: UInt32] = [:]
  private var released: Set<UInt32> = []

  init(_ host: CaseHost) { self.host = host }

  /// - Returns: Whether all is as recorded so far.
  mutating func play(_ line: RecordingLine, number: Int) throws(ReplayError) -> Bool {
    do {
      try play(line.event, number)
    } catch let error as ReplayError {
      throw error
    } catch let error as Unlike {
      outcome.difference = Replay.Difference(
        line: number, recorded: error.recorded, seen: error.seen)
    } catch let error as Fault {
      let clause = error.clause.map { " [\($0)]" } ?? ""
      outcome.difference = Replay.Difference(
        line: number, recorded: words(line.event, number),
        seen: "the plugin \(error.message)\(clause)")
    } catch { throw .notStarted("\(error)") }
    return outcome.difference == nil
  }

  private mutating func play(_ event: RecordingLine.Event, _ number: Int) throws {
    if let held {
      self.held = nil
      if case .slot(_, let bytes) = event {
        return try send(held.frame, held.data, bytes.leftOut > 0 ? nil : bytes.bytes)
      }
      try send(held.frame, held.data, nil)
    }
    switch event {
    case .begins, .unreadable(.toPlugin, _): break
    case .frame(.toPlugin, let bytes): try send(try RecordedFrame(bytes, line: number))
    case .frame(.toHost, let bytes): try expect(try RecordedFrame(bytes, line: number))
    case .slot(_, let bytes): try expect(bytes)
    case .unreadable(.toHost, _):
      throw Unlike("what is no frame", "the plugin keeps the rules")
    case .process(let words): try expectEnd(words)
    }
  }

  private func words(_ event: RecordingLine.Event, _ number: Int) -> String {
    switch event {
    case .frame(_, let bytes): (try? RecordedFrame(bytes, line: number))?.words ?? "a frame"
    case .process(let words): words
    default: "bytes"
    }
  }
}

/// What the plugin does is not what it did.
private struct Unlike: Error {
  let recorded: String
  let seen: String

  init(_ recorded: String, _ seen: String) {
    self.recorded = recorded
    self.seen = seen
  }
}

// MARK: - To the plugin

extension ReplayPlayer {
  private mutating func send(_ recorded: RecordedFrame) throws {
    var frame = recorded
    outcome.toPlugin += 1
    if let data = frame.data {
      if case .slot = data.place { return held = (frame, data) }
      return try send(
        frame, data, frame.leftOut > 0 ? nil : Array(frame.payload[data.inlineOffset...]))
    }
    filler.pass(frame)
    filler.correct(&frame)
    if frame.type == .release { frame.payload = renumbered(frame.payload) }
    host.queue(bytes: outcome.toPlugin == 1 ? Self.preamble + frame.bytes : frame.bytes)
    try host.flush()
  }

  private mutating func send(
    _ frame: RecordedFrame, _ data: DataFrame, _ recorded: [UInt8]?
  ) throws {
    var frame = frame
    if recorded == nil { outcome.isFilled = true }
    let bytes = filler.bytes(of: frame, data, recorded: recorded)
    switch data.place {
    case .inline: frame.payload.replaceSubrange(data.inlineOffset..., with: bytes)
    case .slot(let slot):
      guard let pool = host.pool, slot < pool.shape.slotCount, bytes.count <= pool.shape.slotBytes
      else { break }
      pool.fill(Int(slot), with: bytes[...])
    }
    host.queue(bytes: frame.bytes)
    try host.flush()
  }

  /// The numbers of a RELEASE as the plugin gives them now.
  private func renumbered(_ payload: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    try? Bytes.parse(payload) { payload throws(WireError) in
      try ReleaseFrame.parse(payload) { number throws(WireError) in
        let now = numbers[number] ?? number
        for shift in [0, 8, 16, 24] as [UInt32] { bytes.append(UInt8(now >> shift & 0xFF)) }
      }
    }
    return bytes
  }

  private static var preamble: [UInt8] { Limits.preamble }
}

// MARK: - From the plugin

extension ReplayPlayer {
  private mutating func expect(_ frame: RecordedFrame) throws {
    guard frame.type == .release || !frame.type.isIgnorable else { return }
    if [.log, .progress, .busy].contains(frame.type) { return }
    outcome.toHost += 1
    answered = nil
    if frame.type == .release { return try expectReleases(frame) }
    let found = try next(instead: frame.words)
    guard found.type == frame.type, found.header.stream == frame.header.stream,
      isSame(frame, found)
    else { throw Unlike(frame.words, words(found)) }
    guard let data = frame.data else { return }
    numbers[frame.header.sequence] = found.header.sequence
    if case .slot(let slot)? = place(found) { answered = (Int(slot), Int(data.length)) }
  }

  /// Everything that was given back then is given back.
  private mutating func expectReleases(_ frame: RecordedFrame) throws {
    var wanted: Set<UInt32> = []
    try Bytes.parse(frame.payload) { payload throws(WireError) in
      try ReleaseFrame.parse(payload) { number throws(WireError) in wanted.insert(number) }
    }
    while !wanted.isSubset(of: released) {
      let found = try host.receive("RELEASE", "8.2-2")
      guard take(found) else { throw Unlike(frame.words, words(found)) }
    }
  }

  /// The next frame that is neither a RELEASE nor about progress.
  private mutating func next(instead words: String) throws -> Received {
    while true {
      let found = try host.receive(words, nil)
      if !take(found) { return found }
    }
  }

  /// Takes a RELEASE, and what says nothing of the job.
  private mutating func take(_ found: Received) -> Bool {
    guard found.type == .release else {
      return found.type.isIgnorable || [.log, .progress, .busy].contains(found.type)
    }
    try? Bytes.parse(found.payload) { payload throws(WireError) in
      try ReleaseFrame.parse(payload) { number throws(WireError) in released.insert(number) }
    }
    return true
  }

  private func place(_ found: Received) -> DataFrame.Place? {
    (try? Bytes.parse(found.payload) { payload throws(WireError) in
      try DataFrame(parsing: payload)
    })?.place
  }

  private func words(_ found: Received) -> String {
    (try? Bytes.parse(found.payload) { found.header.words($0) }) ?? found.type.name
  }

  /// Whether a frame says the same. Sizes of what was made of other bytes, versions, places in
  /// the pool and words for people may differ.
  private func isSame(_ frame: RecordedFrame, _ found: Received) -> Bool {
    switch frame.type {
    case .data: isSameData(frame, found)
    case .finished where outcome.isFilled: true
    case .helloAck:
      (try? HelloAck(parsing: frame.payload))?.features
        == (try? HelloAck(parsing: found.payload))?.features
    case .error: errorCode(frame.payload) == errorCode(found.payload)
    default: frame.payload == found.payload
    }
  }

  private func isSameData(_ frame: RecordedFrame, _ found: Received) -> Bool {
    let now = try? Bytes.parse(found.payload) { payload throws(WireError) in
      try DataFrame(parsing: payload)
    }
    guard let now, let data = frame.data, now.offset == data.offset, now.length == data.length,
      now.request == data.request
    else { return false }
    guard now.place == .inline, data.place == .inline, frame.leftOut == 0 else { return true }
    return found.payload[now.inlineOffset...] == frame.payload[data.inlineOffset...]
  }

  private func errorCode(_ payload: [UInt8]) -> ErrorCode? {
    (try? Bytes.parse(payload) { payload throws(WireError) in
      try ErrorFrame(parsing: payload)
    })?.code
  }

  /// What the slot of the plugin's DATA holds is what it held then.
  private func expect(_ recorded: RecordedBytes) throws {
    guard let answered, let pool = host.pool, answered.count <= pool.shape.slotBytes,
      answered.slot < pool.shape.slotCount
    else { return }
    let found = pool.checksum(answered.slot, answered.count)
    guard found == recorded.checksum else {
      throw Unlike("other bytes in the slot", "bytes with another checksum")
    }
  }

  private mutating func expectEnd(_ words: String) throws {
    // A denied call is told before the end that it leads to.
    guard words.hasPrefix("ended with ") else { return }
    try host.closeInput()
    guard try host.drain(seconds: host.bench.patience.seconds) else {
      throw Unlike(words, "the plugin did not exit")
    }
    let seen = host.plugin.end.map { "ended with \($0)" } ?? "no end"
    guard seen == words else { throw Unlike(words, host.plugin.denial ?? seen) }
  }
}
