internal import BackupProtocol
internal import CLinux
internal import Glibc
internal import Sandbox
internal import SharedPool
internal import System

extension PluginSession {
  /// Reads and handles what has come; a flood of frames is taken in portions.
  func receiveFrames(_ now: MonotonicTime) {
    guard isInputOpen else { return }
    for _ in 0..<64 {
      do throws(WireError) {
        while let header = try incoming.next() { try handle(header, now) }
      } catch {
        // Nothing that follows can be understood, even if the run has failed before.
        isInputOpen = false
        return fail(.violation(error))
      }
      guard outcome == nil, readOnce() else { return }
    }
  }

  /// - Returns: Whether anything came.
  private func readOnce() -> Bool {
    let raw = input.raw
    var failed = false
    var tap = tap.take()
    let count = unsafe incoming.fill { buffer in
      let result = unsafe clinux_read(raw, buffer.baseAddress!, buffer.count)
      if result == -Int(EAGAIN) { return 0 }
      failed = result <= 0
      unsafe tap?.pass(UnsafeRawBufferPointer(start: buffer.baseAddress!, count: max(0, result)))
      return max(0, result)
    }
    self.tap = tap.take()
    if failed {
      isInputOpen = false
      inputEnded()
    }
    return count > 0
  }

  private func inputEnded() {
    if !incoming.isAtBoundary && failure == nil {
      fail(.misconduct(.halfFrame, "closed its output in the middle of a frame"))
    } else if finished == nil && deadlines.kill == nil {
      // Its exit status or its sandbox will say why: they are on their way.
      deadlines.kill = MonotonicTime.now.advanced(bySeconds: patience.exit)
    }
  }

  private func handle(_ header: FrameHeader, _ now: MonotonicTime) throws(WireError) {
    try machine.receive(header.type)
    if header.type.isProgress { deadlines.moved(of: pool?.shape.slotCount ?? 1, now) }
    switch header.type {
    case .helloAck: try receiveHelloAck(now)
    case .jobAck: try receiveJobAck()
    case .release:
      try incoming.withPayload { (payload) throws(WireError) in try release(payload) }
    case .finished: try receiveFinished(now)
    case .error: try receiveError(now)
    case .busy:
      let busy = try incoming.withPayload { (payload) throws(WireError) in
        try BusyFrame(parsing: payload)
      }
      deadlines.extend(bySeconds: Double(busy.expectedMilliseconds) / 1000, now)
    case .log: try receiveLog(now)
    case .progress:
      // Shown nowhere, and checked like any other.
      _ = try incoming.withPayload { (payload) throws(WireError) in
        try ProgressFrame(parsing: payload)
      }
    case .aborted: closeOutput()
    case .open, .data, .zero, .damaged, .close, .readDone: try receiveStreamFrame(header)
    default: break
    }
  }

  private func receiveHelloAck(_ now: MonotonicTime) throws(WireError) {
    let ack = try incoming.withPayload { (payload) throws(WireError) in
      try HelloAck(parsing: payload.allBytes)
    }
    guard ack.version == Hello.version else {
      throw .field(.helloAck, field: "version", value: ack.version)
    }
    guard ack.plugin == manifest.name, ack.pluginVersion == manifest.version else {
      let name = sanitised((ack.plugin + " " + ack.pluginVersion).utf8)
      return fail(
        .misconduct(
          .otherIdentity, "identifies itself as \"\(name)\", which differs from its manifest"))
    }
    for feature in ack.features where !offeredFeatures.contains(feature) {
      throw .notOffered(feature)
    }
    if manifest.needs.contains(.map), job.mode == .write, !ack.accepts(.map) {
      let what = "needs the allocation map by its manifest, but HELLO_ACK does not accept \"map\""
      return fail(.misconduct(.mapNotAsked, what))
    }
    helloAck = ack
    if !usesPool && job.mode == .write { outgoing.widen() }
    guard failure == nil else { return }
    outgoing.frames.append(.job, job.object)
    deadlines.await("JOB_ACK", seconds: patience.jobAck, now)
  }

  private func receiveJobAck() throws(WireError) {
    let mode = job.mode
    jobAck = try incoming.withPayload { (payload) throws(WireError) in
      try JobAck(parsing: payload.allBytes, mode: mode)
    }
    deadlines.answer = nil
  }

  private func release(_ payload: RawSpan) throws(WireError) {
    try ReleaseFrame.parse(payload) { sequence throws(WireError) in
      // After ABORT the slots were taken back: late releases are of no consequence.
      if machine.phase == .aborting { return }
      guard let slot = lent.release(sequence: sequence) else {
        throw .released(sequence, again: lent.wasReleased(sequence))
      }
      handlers.released(slot)
    }
  }

  private func receiveFinished(_ now: MonotonicTime) throws(WireError) {
    let frame = try incoming.withPayload { (payload) throws(WireError) in
      try Finished(parsing: payload.allBytes)
    }
    try frame.check(job.mode, job.output)
    guard lent.isEmpty else { throw .unreleased(lent.count) }
    finished = frame
    closeOutput()
    deadlines.kill = now.advanced(bySeconds: 2 * patience.exit)
  }

  private func receiveError(_ now: MonotonicTime) throws(WireError) {
    let frame = try incoming.withPayload { (payload) throws(WireError) in
      try ErrorFrame(parsing: payload)
    }
    voice?.say(frame)
    guard failure == nil else { return }
    if frame.isStreamOnly && job.mode != .write {
      readError = frame
      return
    }
    failure = .reported(frame)
    takeBackSlots()
    closeOutput()
    deadlines.answer = nil
    deadlines.kill = now.advanced(bySeconds: patience.exit)
  }

  private func receiveLog(_ now: MonotonicTime) throws(WireError) {
    let frame = try incoming.withPayload { (payload) throws(WireError) in
      try LogFrame(parsing: payload)
    }
    let isAdmitted = voice?.admits(now) ?? true
    if frame.level.rawValue >= LogFrame.Level.warning.rawValue && noticesLeft > 0 {
      noticesLeft -= 1
      handlers.notice("plugin \"\(label)\": \(sanitised(frame.text.utf8))")
    } else if isAdmitted {
      voice?.say(frame)
    }
  }

  private func receiveStreamFrame(_ header: FrameHeader) throws(WireError) {
    if machine.phase == .aborting { return }
    if header.type == .readDone {
      guard readsOwed > 0 else { throw .unrequested(.readDone) }
      readsOwed -= 1
    }
    try incoming.withPayload { (payload) throws(WireError) in
      try handlers.produced(header, payload)
    }
  }

  /// Hears what became of the process.
  func receiveStatus() {
    for event in process.readEvents() {
      switch event {
      case .started(let layers, let missing):
        tellMissing(missing)
        if let reason = handlers.refusal(layers) { fail(.launch(reason)) }
      case .denied:
        denial = event.denialText(of: "plugin \"\(label)\"")
        ears?.hear(process: denial ?? "")
      case .failed(let step, let code):
        fail(.launch("\(step): \(errnoText(code))"))
        exitStatus = exitStatus ?? .code(-1)
      case .exited(let status, let seconds, _):
        ears?.hear(process: "ended with \(status)")
        exitStatus = status
        cpuSeconds = seconds
      }
    }
  }

  private func tellMissing(_ layers: [String]) {
    guard !layers.isEmpty else { return }
    handlers.notice(
      "the sandbox of plugin \"\(label)\" runs without layers that this host does not offer: "
        + layers.joined(separator: ", "))
  }

  /// Ends the run badly: nothing the plugin says counts any more.
  ///
  /// A plugin that is ending already, and misbehaves at that, is ended at once.
  func fail(_ cause: PluginFailure.Cause) {
    if failure == nil {
      failure = cause
      takeBackSlots()
    }
    process.terminate()
  }

  /// Decides the outcome once the process is gone and its pipes are empty.
  func settle(_ now: MonotonicTime) {
    guard outcome == nil, let status = exitStatus else { return }
    log.drain { voice?.say($0) }
    voice?.end()
    if let denial {
      conclude(.denied(denial))
    } else if let failure {
      conclude(failure)
    } else if status != .code(0) || finished == nil {
      conclude(.ended(status, isFinished: finished != nil))
    } else if let finished {
      outcome = .finished(finished)
    }
  }

  private func conclude(_ cause: PluginFailure.Cause) {
    takeBackSlots()
    outcome = .failed(PluginFailure(plugin: label, cause: cause, lastLines: lastLines))
  }
}

extension FrameType {
  /// What counts for a plugin's work. A plugin that only talks about itself, or about a READ that
  /// it cannot answer, makes no progress. Specified in protocol.md §13.1.
  fileprivate var isProgress: Bool {
    switch self {
    case .helloAck, .jobAck, .finished, .aborted, .release, .open, .data, .zero, .damaged, .close,
      .readDone:
      true
    default: false
    }
  }
}
