internal import SharedPool

/// A job in write mode: hands each frame to the writer once it is known to be in order.
///
/// States: `ready` between streams, `active` inside one, `finished` after FINISHED.
/// Specified in protocol.md §5.2.
final class WriteSession {
  private enum State {
    case ready
    case active(StreamCursor)
    case finished

    var name: String {
      switch self {
      case .ready: "between streams"
      case .active(let cursor): "inside stream \(cursor.stream.id)"
      case .finished: "after FINISHED"
      }
    }
  }

  /// Bytes of a hole that a writer gets at once: 64 GiB.
  private static let zeroBytesMax: UInt64 = 1 << 36

  private let context: Context
  private let writer: any ArchiveWriter
  private let delivery: Delivery
  private var maps: MapCollector
  private var state = State.ready
  /// Streams that have not been closed yet, by id.
  private var open: [UInt32: StreamDescription] = [:]

  init(_ context: Context, _ type: any ArchiveWriter.Type) throws(Ending) {
    self.context = context
    delivery = Delivery(releases: context.releases)
    for stream in context.job.streams { open[stream.id] = stream }
    maps = MapCollector(isExpected: context.features.contains(.map))
    do {
      writer = try type.init(job: context.job, output: context.output, host: context.host)
    } catch { throw .failed(error) }
  }

  /// Runs until the host has closed its end after FINISHED.
  func run() throws(Ending) {
    do {
      try context.channel.send { $0.append(.jobAck, JobAck().object) }
      while true { try handle(try context.channel.next()) }
    } catch {
      if case .finished = state, error == .hostGone { return }
      writer.abort()
      // FINISHED was our last word.
      if case .finished = state { throw .hostGone }
      throw error
    }
  }

  private func handle(_ header: FrameHeader) throws(Ending) {
    switch (header.type, state) {
    case (.extents, .ready): try takeExtents(header)
    case (.open, .ready): try takeOpen(header)
    case (.data, .active(let cursor)) where cursor.stream.id == header.stream:
      try takeData(header, cursor)
    case (.zero, .active(let cursor)) where cursor.stream.id == header.stream:
      try takeZero(cursor)
    case (.close, .active(let cursor)) where cursor.stream.id == header.stream:
      try takeClose(cursor)
    case (.finish, .ready) where open.isEmpty: try takeFinish()
    default: throw .failed(PluginError(.state(header.type, state: state.name)))
    }
  }

  private func takeExtents(_ header: FrameHeader) throws(Ending) {
    guard let stream = open[header.stream], open.count == context.job.streams.count else {
      throw .failed(PluginError(.state(.extents, state: state.name)))
    }
    let extents = try wire { () throws(WireError) in
      try context.channel.withPayload { payload throws(WireError) in
        try maps.take(payload, of: stream, isLast: header.flags & FrameHeader.lastExtentsFlag != 0)
      }
    }
    if let extents { try plugin { () throws(PluginError) in try writer.map(stream, extents) } }
  }

  private func takeOpen(_ header: FrameHeader) throws(Ending) {
    guard let stream = open[header.stream] else {
      throw .failed(
        PluginError(.field(.open, field: "stream", value: UInt64(header.stream))))
    }
    guard maps.isComplete(context.job.streams) else {
      throw .failed(PluginError(.state(.open, state: "before the allocation maps are complete")))
    }
    maps.begin(stream.id)
    try plugin { () throws(PluginError) in try writer.open(stream) }
    state = .active(StreamCursor(stream))
  }

  private func takeData(_ header: FrameHeader, _ before: StreamCursor) throws(Ending) {
    var cursor = before
    try context.channel.withPayload { payload throws(Ending) in
      let frame = try wire { () throws(WireError) in
        let frame = try DataFrame(parsing: payload)
        let range = try cursor.advance(
          .data, offset: frame.offset, length: UInt64(frame.length))
        try maps.check(.data, range, nil)
        return frame
      }
      try deliver(header, frame, payload)
    }
    state = .active(cursor)
    if context.releases.isDue { try context.channel.flush() }
  }

  private func deliver(
    _ header: FrameHeader, _ frame: DataFrame, _ payload: RawSpan
  ) throws(Ending) {
    guard frame.request == 0 else {
      throw .failed(
        PluginError(.field(.data, field: "request", value: UInt64(frame.request))))
    }
    let length = Int(frame.length)
    switch frame.place {
    case .inline:
      let bytes = payload.extracting(frame.inlineOffset..<(frame.inlineOffset + length))
      try write(
        StreamData(
          frame, bytes: bytes, payload: payload, sequence: header.sequence, slot: -1,
          delivery: delivery), header.sequence, slot: -1)
    case .slot(let number):
      let slot = Int(number)
      guard let pool = context.pool, length <= pool.shape.slotBytes else {
        throw .failed(PluginError(.field(.data, field: "length", value: UInt64(length))))
      }
      guard context.releases.lend(slot: slot) else {
        throw .failed(PluginError(.field(.data, field: "slot", value: UInt64(number))))
      }
      let memory = unsafe RawSpan(
        _unsafeBytes: UnsafeRawBufferPointer(pool.unsafeBytes(slot: slot, count: length)))
      // Safe because: the pool stays mapped until the process ends.
      let bytes = unsafe _overrideLifetime(memory, copying: payload)
      try write(
        StreamData(
          frame, bytes: bytes, payload: payload, sequence: header.sequence, slot: slot,
          delivery: delivery), header.sequence, slot: slot)
    }
  }

  private func write(
    _ data: borrowing StreamData, _ sequence: UInt32, slot: Int
  ) throws(Ending) {
    delivery.isKept = false
    do { try writer.data(data) } catch { throw .failed(error) }
    if !delivery.isKept { context.releases.release(sequence: sequence, slot: slot) }
  }

  private func takeZero(_ before: StreamCursor) throws(Ending) {
    var cursor = before
    let (range, kind) = try wire { () throws(WireError) in
      try context.channel.withPayload { payload throws(WireError) in
        let frame = try ZeroFrame(parsing: payload)
        guard frame.request == 0 else {
          throw .field(.zero, field: "request", value: UInt64(frame.request))
        }
        guard frame.kind != .unchanged || cursor.stream.isIncremental else {
          throw .field(.zero, field: "kind", value: UInt64(frame.kind.rawValue))
        }
        let range = try cursor.advance(.zero, offset: frame.offset, length: frame.length)
        try maps.check(.zero, range, frame.kind)
        return (range, frame.kind)
      }
    }
    try write(range, kind)
    state = .active(cursor)
  }

  /// Hands a range over in pieces: a format that writes something for every cluster may be at work
  /// for minutes, and a host that has called the job off waits meanwhile.
  private func write(_ range: Range<UInt64>, _ kind: ZeroKind) throws(Ending) {
    var start = range.lowerBound
    while start < range.upperBound {
      let end = start + min(range.upperBound - start, Self.zeroBytesMax)
      try plugin { () throws(PluginError) in try writer.zero(start..<end, kind) }
      start = end
      if start < range.upperBound { try context.channel.requireHost() }
    }
  }

  private func takeClose(_ cursor: StreamCursor) throws(Ending) {
    let frame = try wire { () throws(WireError) in
      try context.channel.withPayload { payload throws(WireError) in
        let frame = try CloseFrame(parsing: payload)
        try cursor.close(frame)
        return frame
      }
    }
    try plugin { () throws(PluginError) in
      try writer.close(length: frame.logicalLength, digest: frame.digest)
    }
    open[cursor.stream.id] = nil
    state = .ready
  }

  private func takeFinish() throws(Ending) {
    let finished: Finished
    do { finished = try writer.finish() } catch { throw .failed(error) }
    do { try finished.check(.write, context.output.kind) } catch {
      throw .failed(
        PluginError(.internal, "finish() announces no archive: Finished(archiveBytes:) does"))
    }
    state = .finished
    try context.channel.send { $0.append(.finished, finished.object) }
  }
}

/// What the host sent is not in order: a failure of the session.
func wire<Value>(_ body: () throws(WireError) -> Value) throws(Ending) -> Value {
  do { return try body() } catch { throw .failed(PluginError(error)) }
}

/// What the plugin's own code threw is a failure of the session.
func plugin<Value>(_ body: () throws(PluginError) -> Value) throws(Ending) -> Value {
  do { return try body() } catch { throw .failed(error) }
}
