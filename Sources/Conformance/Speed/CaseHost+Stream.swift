internal import BackupProtocol

extension CaseHost {
  /// OPEN, DATA as fast as the plugin takes it, CLOSE.
  ///
  /// Slots are sent as they are, so that the data costs the host nothing.
  ///
  /// - Parameters:
  ///   - byteCount: A multiple of the pieces.
  ///   - inline: One piece; every DATA in a frame has these bytes.
  func stream(_ id: UInt32, byteCount: UInt64, pieceBytes: Int, inline: [UInt8]) throws {
    try send { $0.appendOpen(stream: id) }
    let masks = [BlockMask](repeating: .all, count: pieceBytes / Int(Cluster.bytes))
    var frame = DataFrame(
      offset: 0, length: UInt32(pieceBytes), place: .inline, maskCount: UInt16(masks.count))
    while frame.offset < byteCount {
      if isShared {
        try lend(&frame, of: id, until: byteCount, masks)
      } else {
        try send(&frame, of: id, masks, inline)
      }
      try admitReceived()
    }
    let close = CloseFrame(logicalLength: byteCount, digest: .none)
    try send { $0.append(close, stream: id) }
  }

  /// Lends all slots that there are, in one go.
  private func lend(
    _ frame: inout DataFrame, of id: UInt32, until end: UInt64, _ masks: [BlockMask]
  ) throws {
    while freeSlots.isEmpty || lent.count >= Int(setup.inflight) {
      try self.await(.release, "8.2-2")
    }
    isHolding = true
    while frame.offset < end, lent.count < Int(setup.inflight), !freeSlots.isEmpty {
      let slot = freeSlots.removeFirst()
      frame.place = .slot(UInt32(slot))
      lent[sequence] = (slot, Int(frame.length))
      try send { $0.append(frame, stream: id, masks: masks.span) }
      frame.offset += UInt64(frame.length)
    }
    try flush()
  }

  private func send(
    _ frame: inout DataFrame, of id: UInt32, _ masks: [BlockMask], _ bytes: [UInt8]
  ) throws {
    try waitForCredit(bytes.count)
    try sendWaiting()
    lent[sequence] = (-1, bytes.count)
    let announced = frame
    try send(tail: bytes[...]) { $0.append(announced, stream: id, masks: masks.span) }
    frame.offset += UInt64(bytes.count)
  }

  /// Takes what has come, without waiting for more.
  private func admitReceived() throws {
    while let frame = takeReceived() {
      try admit(frame)
      if frame.type == .error { try takeError(frame, awaited: FrameType.release.name) }
    }
  }
}
