internal import BackupProtocol
internal import CLinux
internal import Glibc
internal import JSON
internal import Sandbox
internal import SharedPool
internal import System

/// A frame that the plugin sent.
struct Received: Sendable {
  let header: FrameHeader
  let payload: [UInt8]

  var type: FrameType { header.type }

  /// Whether it brings the job forward; protocol.md §13.1.
  var isProgress: Bool { !type.isIgnorable }
}

/// A host that does what a case says and no more. One thread; it never waits in a write.
final class CaseHost {
  let bench: CaseBench
  let setup: CaseSetup
  let plugin: RunningPlugin
  let room: CaseRoom
  let kind: Job.OutputKind
  let pool: CasePool?
  let scratch: Int32?
  var machine: HostStateMachine
  var grease = Grease(seed: 7)
  /// What HELLO_ACK accepted.
  var accepted: [String] = []
  /// What the plugin has not released: the slot or -1, and the bytes.
  var lent: [UInt32: (slot: Int, count: Int)] = [:]
  var released: Set<UInt32> = []
  var freeSlots: [Int]
  /// ERROR frames about single READs, oldest first.
  var readErrors: [ErrorFrame] = []
  /// What the plugin wrote to channels 1 and 2.
  private(set) var texts: [[UInt8]] = [[], []]
  private(set) var hasInputEnded = false
  /// Whether an unknown frame was sent, which shows that what came before it was taken.
  var isProbing = false
  /// Frames are queued and not sent while it is set.
  var isHolding = false

  private var reader = FrameReader()
  private var writer = FrameWriter()
  private var outgoing: [UInt8] = []
  private var sent = 0
  /// Goes out behind all of that, without being copied.
  private var tail: ArraySlice<UInt8> = []
  /// What was spent waiting for the plugin.
  private(set) var waitedSeconds = 0.0
  private var received: [Received] = []
  private var wireError: WireError?
  private var buffer = [UInt8](repeating: 0, count: 64 << 10)
  private var pipe: ArchivePipe?
  private var excess: Excess
  private var debt = Debt()
  private var ears: CaseEars?

  init(
    _ bench: CaseBench, _ setup: CaseSetup, _ plugin: RunningPlugin, room: CaseRoom,
    kind: Job.OutputKind, pool: CasePool?, pipe: consuming OwnedDescriptor?, scratch: Int32?
  ) throws {
    self.bench = bench
    self.setup = setup
    self.plugin = plugin
    self.room = room
    self.kind = kind
    self.pool = pool
    self.scratch = scratch
    machine = HostStateMachine(mode: setup.mode, salvages: setup.salvages)
    excess = Excess(archiveBytesMax: setup.archiveBytesMax)
    freeSlots = Array(0..<setup.shape.slotCount)
    ears = bench.transcript.map { CaseEars($0, isFoundation: bench.isFoundation) }
    plugin.ears = ears?.process
    if let pipe {
      self.pipe = try ArchivePipe(pipe, room, isWriting: setup.mode == .write, bench.identity)
    }
  }

  deinit {
    for place in plugin.texts.indices { hear(place) }
    ears?.end()
  }

  /// Number the next frame will bear.
  var sequence: UInt32 { writer.sequence }
  /// Bytes that wait to be taken by the plugin.
  var waitingCount: Int { outgoing.count - sent + tail.count }

  /// Queues a frame, and `inline` bytes right behind it, and sends what the pipe takes.
  @discardableResult
  func send(inline: ArraySlice<UInt8> = [], _ build: (inout FrameWriter) -> Void) throws -> UInt32 {
    let number = queue(inline: inline, build)
    if setup.isGreasing, sequence > 1 { queueGrease() }
    if !isHolding { try turn(seconds: 0) }
    return number
  }

  /// Queues frames that need not be sound.
  func queue(
    inline: ArraySlice<UInt8> = [], mangling: (inout [UInt8]) -> Void = { _ in },
    _ build: (inout FrameWriter) -> Void
  ) -> UInt32 {
    let number = writer.sequence
    queueTail()
    build(&writer)
    var bytes: [UInt8] = []
    unsafe writer.drain { buffer in
      bytes = unsafe Array(buffer)
      return buffer.count
    }
    mangling(&bytes)
    outgoing += bytes
    outgoing += inline
    return number
  }

  /// Queues bytes that are no frame.
  func queue(bytes: [UInt8]) {
    queueTail()
    outgoing += bytes
  }

  /// Nothing may come between a frame and its bytes.
  private func queueTail() {
    outgoing += tail
    tail = []
  }

  private func queueGrease() {
    for _ in 0..<grease.count() {
      let frame = grease.frame()
      _ = queue { writer in
        writer.append(frame.type, flags: frame.flags, stream: frame.stream) { $0 += frame.payload }
      }
    }
  }

  /// Sends all that is queued in one go, as far as the pipe takes it.
  func flush() throws {
    isHolding = false
    try turn(seconds: 0)
  }

  /// Sends a frame, and `tail` right behind it, which stays where it is until the pipe takes it or
  /// something else is sent.
  func send(tail: ArraySlice<UInt8>, _ build: (inout FrameWriter) -> Void) throws {
    _ = queue(build)
    self.tail = tail
    try turn(seconds: 0)
  }

  /// Waits until the pipe has taken all, or the plugin says something that ends it.
  func sendWaiting() throws {
    debt.owe("reading", after: sequence)
    while waitingCount > 0, !hasInputEnded, wireError == nil {
      let before = waitingCount
      try turn(seconds: max(0, debt.secondsLeft(bench.patience)))
      if waitingCount < before { debt.noteProgress() }
      if waitingCount > 0 { try checkDebt("reading", "8.2-2") }
    }
  }

  /// Sends what waits, and then the end of the input.
  func closeInput() throws {
    isHolding = false
    let deadline = MonotonicTime.now.advanced(bySeconds: bench.patience.seconds)
    while waitingCount > 0, plugin.end == nil, MonotonicTime.now < deadline {
      try turn(seconds: 0.2)
    }
    plugin.toPlugin = nil
  }

  /// What the plugin writes to.
  private var archivePath: String? {
    setup.mode == .write ? room.path + "/" + CaseArchive.name : nil
  }

  /// Nobody listens to channel 4 any more.
  func closeOutput() { plugin.fromPlugin = nil }

  private var isDeaf: Bool { plugin.fromPlugin == nil }

  /// The next frame.
  ///
  /// - Parameters:
  ///   - awaited: For people: what is owed.
  ///   - clause: The rule that says so.
  ///   - exitClause: The one that an exit in its place breaks; a crash is one of `clause`.
  func receive(
    _ awaited: String, _ clause: String?, exit exitClause: String? = nil
  ) throws -> Received {
    debt.owe(awaited, after: sequence)
    while received.isEmpty {
      if let wireError { throw Fault(wireError) }
      if hasInputEnded { throw ended(awaited, clause, exitClause) }
      let before = waitingCount
      try turn(seconds: max(0, debt.secondsLeft(bench.patience)))
      if waitingCount < before || pipe?.hasMoved() == true { debt.noteProgress() }
      if received.isEmpty { try checkDebt(awaited, clause) }
    }
    let frame = received.removeFirst()
    excess.taken(frame.payload.count)
    if frame.isProgress { debt.noteProgress() } else { try checkDebt(awaited, clause) }
    return frame
  }

  private func checkDebt(_ awaited: String, _ clause: String?) throws {
    if debt.isEndless(bench.patience) {
      throw Fault("13.1-2", "goes on after \(Int(bench.patience.conversation)) s")
    }
    guard debt.secondsLeft(bench.patience) <= 0 else { return }
    let seconds = Int(bench.patience.seconds)
    bench.patience.noteSilence()
    throw Fault(clause, "gave no answer for \(seconds) s while \(awaited) was due")
  }

  /// A frame if one is there.
  func takeReceived() -> Received? {
    guard !received.isEmpty else { return nil }
    excess.taken(received[0].payload.count)
    return received.removeFirst()
  }

  /// The plugin has closed channel 4 too early.
  private func ended(
    _ awaited: String, _ clause: String?, _ exitClause: String?
  ) -> any Error {
    _ = plugin.hasEnded(within: bench.patience.seconds)
    if let denial = plugin.denial { return Fault("18", denial) }
    if !reader.isAtBoundary { return Fault("3.2-5", "ended in the middle of a frame") }
    var rule = clause
    if case .code = plugin.end, let exitClause { rule = exitClause }
    return Fault(rule, "\(endText) in place of \(awaited)\(lastWords)")
  }

  /// How the process ended, for people.
  var endText: String {
    switch plugin.end {
    case .code(let code)?: "exited with status \(code)"
    case .signal(let signal)?: "was killed by signal \(signal)"
    case nil: "closed channel 4"
    }
  }

  private var lastWords: String {
    let line = sanitisedLines(texts[1].suffix(4096)).last
    return line.map { "; its last words: \($0.prefix(200))" } ?? ""
  }
}

// MARK: - Moving bytes

extension CaseHost {
  /// How soon a check that is called off is noticed.
  private static let turnSecondsMax = 0.25

  /// Waits until something can be moved, and moves it.
  ///
  /// - Returns: Whether anything could be done before the time was over.
  @discardableResult
  func turn(seconds: Double) throws -> Bool {
    if bench.patience.isOver { throw BenchError.interrupted }
    if setup.isSlow { usleep(2000) }
    var poller = Poller()
    let hasWords = waitingCount > 0 && !isHolding
    let writing = hasWords ? plugin.toPlugin?.raw : nil
    let reading = hasInputEnded ? nil : plugin.fromPlugin?.raw
    let (writingPlace, readingPlace) = (
      writing.map { poller.add($0, .writable) }, reading.map { poller.add($0, .readable) }
    )
    let speaking = plugin.texts.indices.map { poller.add(plugin.texts[$0].raw, .readable) }
    let piping = pipe?.interest.map { poller.add($0.descriptor, $0.readiness) }
    let isEnded = plugin.end != nil
    if !isEnded { poller.add(plugin.endDescriptor, .readable) }
    if setup.isSlow && seconds == 0 { return true }
    let asked = MonotonicTime.now
    let count = try poller.wait(seconds: min(seconds, Self.turnSecondsMax))
    waitedSeconds += MonotonicTime.now.seconds(since: asked)
    if let writingPlace, !poller.result(writingPlace).isEmpty { write() }
    if let readingPlace, !poller.result(readingPlace).isEmpty { read() }
    for place in speaking.indices where !poller.result(speaking[place]).isEmpty { hear(place) }
    if let piping, !poller.result(piping).isEmpty { try pipe?.move() }
    if !isEnded { try plugin.look() }
    if let fault = excess.fault(of: archivePath) {
      plugin.kill()
      throw fault
    }
    // Channels 1 and 2 of a process that has ended are always readable.
    return count > (isEnded ? speaking.count : 0)
  }

  private func write() {
    guard let descriptor = plugin.toPlugin?.raw else { return }
    while waitingCount > 0 {
      let most = setup.isCut ? (sent < 2048 ? 1 : 4093) : setup.isSlow ? 1000 : 1 << 20
      // Each write is one read then; of more bytes, what is not read at once would be lost.
      if setup.isCut { _ = clinux_set_direct(descriptor, most == 1 ? 1 : 0) }
      let isTail = sent == outgoing.count
      let count = Bytes.write(
        descriptor,
        isTail ? tail.prefix(most) : outgoing[sent..<min(sent + most, outgoing.count)])
      if count == -Int(EPIPE) {
        // What it did not read, it never will.
        (sent, tail) = (outgoing.count, [])
        break
      }
      if count <= 0 { return }
      ears?.hear(sent: isTail ? tail.prefix(count) : outgoing[sent..<(sent + count)])
      if isTail { tail = tail.dropFirst(count) } else { sent += count }
      if setup.isSlow { break }
    }
    guard waitingCount == 0 else { return }
    outgoing.removeAll(keepingCapacity: true)
    sent = 0
  }

  private func read() {
    guard let raw = plugin.fromPlugin?.raw else { return }
    guard wireError == nil else {
      hasInputEnded = Bytes.read(raw, &buffer) == nil
      return
    }
    do throws(WireError) {
      var isEnd = false
      unsafe reader.fill { room in
        let count = unsafe clinux_read(raw, room.baseAddress!, room.count)
        isEnd = count <= 0 && count != -Int(EAGAIN)
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: room[..<max(0, count)])
        unsafe ears?.hear(received: bytes)
        return bytes.count
      }
      if isEnd { hasInputEnded = true }
      while let header = try reader.next() {
        let frame = Received(header: header, payload: reader.withPayload { $0.allBytes })
        ears?.hear(frame)
        received.append(frame)
        excess.queued(Int(header.length))
      }
    } catch { wireError = error }
  }

  private func hear(_ place: Int) {
    guard let bytes = Bytes.read(plugin.texts[place].raw, &buffer) else { return }
    excess.heard(bytes.count)
    ears?.hear(bytes, channel: place)
    if texts[place].count < 1 << 20 { texts[place] += bytes }
  }

  /// Sends the rest, and waits until the process has ended and all it said is here.
  ///
  /// - Returns: Whether it ended in time.
  func drain(seconds: Double? = nil) throws -> Bool {
    let deadline = MonotonicTime.now.advanced(bySeconds: seconds ?? bench.patience.seconds)
    while plugin.end == nil || !(hasInputEnded || isDeaf) || pipe?.isOpen == true {
      if try !turn(seconds: min(0.2, deadline.seconds(since: .now))), MonotonicTime.now > deadline {
        return plugin.end != nil
      }
      if MonotonicTime.now > deadline { return plugin.end != nil }
    }
    for place in plugin.texts.indices { hear(place) }
    if let wireError { throw Fault(wireError) }
    return true
  }
}
