package import BackupProtocol
internal import CommandLine
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

  /// The state of a running machine of these bytes.
  package static func state(
    _ id: UInt32, _ bytes: [UInt8], name: String = "vmstate"
  ) -> Content {
    Content(
      StreamDescription(
        id: id, kind: .vmstate, name: name, role: "vmstate", size: UInt64(bytes.count)), bytes)
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
  ///
  /// - Parameter parent: Of increments, which have one without a place if it is `nil`.
  package func start(
    _ contents: [Content], format: String = "raw", output: Job.OutputKind = .directory,
    options: JSONObject = [:], parent: ParentBackup? = nil
  ) throws {
    var job = Job(
      id: "j1", mode: .write, format: format, vm: Job.Machine(id: "101", name: "db1"),
      instant: Timestamp("2026-01-31T20:00:00Z"), output: output, options: options,
      streams: contents.map(\.stream))
    job.parent = parent ?? Self.parent(of: contents)
    if job.parent != nil { job.level = .incremental }
    try send { $0.append(.job, job.object) }
    try self.await(.jobAck)
  }

  private static func parent(of contents: [Content]) -> ParentBackup? {
    let increments = contents.filter(\.stream.isIncremental)
    guard !increments.isEmpty else { return nil }
    let streams = increments.map { content in
      let size = content.stream.size ?? 0
      return (content.stream.name, ParentBackup.Stream(size: size, digest: treeDigest([])))
    }
    return ParentBackup(
      job: "j0", instant: Timestamp("2026-01-30T20:00:00Z")!,
      streams: Dictionary(uniqueKeysWithValues: streams))
  }

  /// EXTENTS for every disk: holes where ``write(_:digest:masks:)`` will send some.
  package func sendMaps(_ contents: [Content], masks: Bool = true) throws {
    for content in contents where content.stream.kind == .disk {
      var map: [Extent] = []
      for piece in pieces(content.bytes, masks: masks) {
        let (range, kind): (Range<Int>, Extent.Kind) =
          switch piece {
          case .hole(let range): (range, .hole)
          case .data(let range): (range, .data)
          }
        map.append(
          Extent(offset: UInt64(range.lowerBound), length: UInt64(range.count), kind: kind))
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

  /// OPEN, what the extents say of the bytes, CLOSE.
  package func write(_ content: Content, as extents: [Extent], digest: Digest = .none) throws {
    let id = content.stream.id
    try send { $0.appendOpen(stream: id) }
    for extent in extents {
      guard extent.kind == .data else {
        let frame = ZeroFrame(offset: extent.offset, length: extent.length, kind: extent.kind)
        try send { $0.append(frame, stream: id) }
        continue
      }
      let most = min(shape.slotBytes, 1 << 20)
      for start in stride(from: Int(extent.offset), to: Int(extent.end), by: most) {
        try sendData(content, start..<min(Int(extent.end), start + most), masks: true)
      }
    }
    let close = CloseFrame(logicalLength: content.stream.size ?? 0, digest: digest)
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
    var clusterMasks: [BlockMask] = []
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

  private func blockMask(_ bytes: [UInt8], cluster: Int) -> BlockMask {
    var mask: BlockMask = []
    for block in 0..<16 {
      let start = cluster * 65536 + block * 4096
      guard start < bytes.count else { break }
      if !isZeros(bytes, start..<min(bytes.count, start + 4096)) { mask[block] = true }
    }
    return mask
  }
}
