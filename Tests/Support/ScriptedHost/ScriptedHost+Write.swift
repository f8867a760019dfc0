package import BackupProtocol
internal import Glibc
package import JSON
internal import SharedPool

/// A stream and its bytes.
package struct Content: Sendable {
  package var stream: StreamDescription
  package var bytes: [UInt8]

  package init(_ stream: StreamDescription, _ bytes: [UInt8]) {
    self.stream = stream
    self.bytes = bytes
  }

  /// A disk of these bytes.
  package static func disk(_ id: UInt32, _ name: String, _ bytes: [UInt8]) -> Content {
    Content(
      StreamDescription(
        id: id, kind: .disk, name: name, role: "disk", size: UInt64(bytes.count)), bytes)
  }

  /// A configuration file of these bytes.
  package static func config(_ id: UInt32, _ name: String, _ bytes: [UInt8]) -> Content {
    Content(
      StreamDescription(
        id: id, kind: .config, name: name, role: "config", size: UInt64(bytes.count)), bytes)
  }
}

extension ScriptedHost {
  /// HELLO and its answer.
  @discardableResult
  package func greet(features: [String]? = nil) throws -> HelloAck {
    let offered = features ?? (pool == nil ? [] : ["shm"])
    let hello = Hello(
      features: offered, slotCount: UInt32(shape.slotCount), slotBytes: UInt32(shape.slotBytes),
      hostName: "test", hostVersion: "1")
    try send { $0.append(.hello, hello.object) }
    return try HelloAck(parsing: try self.await(.helloAck).payload)
  }

  /// JOB in write mode and its answer.
  package func start(
    _ contents: [Content], format: String = "raw", output: Job.OutputKind = .directory,
    options: JSONObject = [:]
  ) throws {
    let job = Job(
      id: "j1", mode: .write, format: format, vm: Job.Machine(id: "101", name: "db1"),
      instant: "2026-01-31T20:00:00Z", output: output, options: options,
      streams: contents.map(\.stream))
    try send { $0.append(.job, job.object) }
    try self.await(.jobAck)
  }

  /// EXTENTS for every disk: holes where ``write(_:digest:masks:)`` will send some.
  package func sendMaps(_ contents: [Content], masks: Bool = true) throws {
    for content in contents where content.stream.kind == .disk {
      var map: [MapExtent] = []
      for piece in pieces(content.bytes, masks: masks) {
        let (range, kind): (Range<Int>, MapExtent.Kind) =
          switch piece {
          case .hole(let range): (range, .hole)
          case .data(let range): (range, .data)
          }
        map.append(
          MapExtent(offset: UInt64(range.lowerBound), length: UInt64(range.count), kind: kind))
      }
      try send { $0.append(extents: map[...], stream: content.stream.id, isLast: true) }
    }
  }

  /// OPEN, the bytes with masks and holes as the pump would send them, CLOSE.
  ///
  /// - Parameter masks: Otherwise every block is claimed to be data and nothing is a hole.
  package func write(_ content: Content, digest: Digest, masks: Bool = true) throws {
    let id = content.stream.id
    try send { $0.appendOpen(stream: id) }
    for piece in pieces(content.bytes, masks: masks) {
      switch piece {
      case .hole(let range):
        let frame = ZeroFrame(
          offset: UInt64(range.lowerBound), length: UInt64(range.count), kind: .hole)
        try send { $0.append(frame, stream: id) }
      case .data(let range): try sendData(content, range, masks: masks)
      }
    }
    let close = CloseFrame(logicalLength: UInt64(content.bytes.count), digest: digest)
    try send { $0.append(close, stream: id) }
  }

  /// FINISH, FINISHED, and the end of the input.
  package func finish() throws -> Finished {
    try send { $0.append(.finish, [:]) }
    let finished = try Finished(parsing: try self.await(.finished).payload)
    closeInput()
    return finished
  }

  private enum Piece {
    case data(Range<Int>)
    case hole(Range<Int>)
  }

  private func pieces(_ bytes: [UInt8], masks: Bool) -> [Piece] {
    var pieces: [Piece] = []
    let most = min(shape.slotBytes, 1 << 20)
    var start = 0
    while start < bytes.count {
      let isHole = masks && isZero(bytes, cluster: start)
      var end = start
      while end < bytes.count, isHole == (masks && isZero(bytes, cluster: end)),
        isHole || end - start < most
      {
        end = min(bytes.count, end + 65536)
      }
      pieces.append(isHole ? .hole(start..<end) : .data(start..<end))
      start = end
    }
    return pieces
  }

  private func isZero(_ bytes: [UInt8], cluster start: Int) -> Bool {
    isZeros(bytes, start..<min(bytes.count, start + 65536))
  }

  /// Sends one DATA frame.
  package func sendData(_ content: Content, _ range: Range<Int>, masks: Bool) throws {
    let part = Array(content.bytes[range])
    var clusterMasks: [UInt16] = []
    if masks {
      for cluster in 0..<((part.count + 65535) / 65536) {
        clusterMasks.append(blockMask(part, cluster: cluster))
      }
    }
    let slot = pool == nil ? -1 : try takeSlot()
    let frame = DataFrame(
      offset: UInt64(range.lowerBound), length: UInt32(part.count),
      place: slot < 0 ? .inline : .slot(UInt32(slot)), maskCount: UInt16(clusterMasks.count))
    if let pool, slot >= 0 {
      part.withUnsafeBytes { pool.unsafeBytes(slot: slot).copyMemory(from: $0) }
    }
    lend(slot, as: sequence)
    try send(inline: slot < 0 ? part : []) {
      $0.append(frame, stream: content.stream.id, masks: clusterMasks.span)
    }
  }

  private func blockMask(_ bytes: [UInt8], cluster: Int) -> UInt16 {
    var mask: UInt16 = 0
    for block in 0..<16 {
      let start = cluster * 65536 + block * 4096
      guard start < bytes.count else { break }
      if !isZeros(bytes, start..<min(bytes.count, start + 4096)) { mask |= 1 << block }
    }
    return mask
  }
}

/// Whether a part of the bytes, not empty, is all zeros.
package func isZeros(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
  bytes[range.lowerBound] == 0
    && bytes.withUnsafeBytes { buffer in
      let start = buffer.baseAddress! + range.lowerBound
      return memcmp(start, start + 1, range.count - 1) == 0
    }
}
