internal import BackupProtocol
internal import JSON
internal import Sandbox
internal import SharedPool

extension CaseHost {
  /// Whether DATA may be in slots.
  var isShared: Bool { accepted.contains("shm") && pool != nil }

  /// The map of every disk, if the plugin asked for it.
  func sendMaps(_ contents: [Content], _ style: WritingStyle) throws {
    guard accepted.contains("map") else { return }
    for content in contents where content.stream.kind == .disk {
      try sendMap(content.map(style), of: content.stream.id)
    }
  }

  func sendMap(_ map: [Extent], of stream: UInt32) throws {
    // In two frames where it can be cut.
    let half = map.count / 2
    if half > 0 { try send { $0.append(extents: map[..<half], stream: stream, isLast: false) } }
    try send { $0.append(extents: map[half...], stream: stream, isLast: true) }
  }

  /// OPEN, all frames of the stream, CLOSE.
  func write(_ content: Content, _ style: WritingStyle = WritingStyle()) throws {
    let id = content.stream.id
    try send { $0.appendOpen(stream: id) }
    for (number, piece) in content.pieces(style).enumerated() {
      switch piece {
      case .zero(let range, let kind):
        let frame = ZeroFrame(
          offset: range.lowerBound, length: UInt64(range.count), kind: kind)
        try send { $0.append(frame, stream: id) }
      case .data(let range):
        let isInline =
          !isShared || style.inlineEvery > 0 && number % style.inlineEvery == 0
        try sendData(content, range, style, isInline: isInline)
      }
    }
    try sendClose(content, style)
  }

  func sendClose(_ content: Content, _ style: WritingStyle) throws {
    let digest = style.hasDigest && content.holeBytes == 0 ? content.digest : .none
    let frame = CloseFrame(logicalLength: content.length, digest: digest)
    try send { $0.append(frame, stream: content.stream.id) }
  }

  /// One DATA, when there is credit for it.
  func sendData(
    _ content: Content, _ range: Range<Int>, _ style: WritingStyle, isInline: Bool
  ) throws {
    let slot = isInline ? -1 : try takeSlot(range.count)
    if isInline { try waitForCredit(range.count) }
    if slot >= 0 { pool?.fill(slot, with: content.bytes[range]) }
    let masks = style.hasMasks ? content.masks(range) : []
    let frame = DataFrame(
      offset: UInt64(range.lowerBound), length: UInt32(range.count),
      place: slot < 0 ? .inline : .slot(UInt32(slot)), maskCount: UInt16(masks.count))
    lent[sequence] = (slot, range.count)
    try send(inline: slot < 0 ? content.bytes[range] : []) {
      $0.append(frame, stream: content.stream.id, masks: masks.span)
    }
  }

  private func takeSlot(_ count: Int) throws -> Int {
    while freeSlots.isEmpty || lent.count >= Int(setup.inflight) {
      try self.await(.release, "8.2-2")
    }
    return freeSlots.removeFirst()
  }

  func waitForCredit(_ count: Int) throws {
    while !isHolding,
      lent.count >= Int(setup.inflight)
        || lent.values.reduce(0, { $0 + ($1.slot < 0 ? $1.count : 0) }) + count
          > Int(setup.windowBytes)
    { try self.await(.release, "8.2-2") }
  }

  /// FINISH, FINISHED that announces what is there, a good end.
  @discardableResult
  func finish() throws -> Finished {
    try send { $0.append(.finish, [:]) }
    machine.sentFinish()
    return try takeFinished()
  }

  func takeFinished() throws -> Finished { try end(with: try self.await(.finished, "6.3-2")) }

  /// A sound FINISHED, and a good end behind it.
  func end(with frame: Received) throws -> Finished {
    let finished: Finished
    do throws(WireError) {
      finished = try Finished(parsing: frame.payload)
      try finished.check(setup.mode, kind)
    } catch { throw Fault(error) }
    if setup.mode == .write, !lent.isEmpty { throw Fault(.unreleased(lent.count)) }
    try closeInput()
    try expectEnd(.code(0), "6.3-3")
    return finished
  }
}
