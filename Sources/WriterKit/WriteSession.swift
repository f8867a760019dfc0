internal import BackupProtocol
internal import SharedPool

/// A job in write mode: hands each frame to the writer once it is known to be in order.
final class WriteSession {
  /// Bytes of a hole that a writer gets at once: 64 GiB.
  private static let zeroBytesMax: UInt64 = 1 << 36

  private let context: Context
  private let writer: any ArchiveWriter
  private let delivery: Delivery
  private var maps: MapCollector
  private var states: WriterStateMachine

  init(_ context: Context, _ type: any ArchiveWriter.Type) throws(Ending) {
    self.context = context
    delivery = Delivery(releases: context.releases)
    states = WriterStateMachine(context.job.streams)
    maps = MapCollector(isExpected: context.features.contains(.map))
    do {
      let output = Output(descriptor: context.target, kind: context.job.output)
      writer = try type.init(job: context.job, output: output, host: context.host)
    } catch { throw .failed(error) }
  }

  /// Runs until the host has closed its end after FINISHED.
  func run() throws(Ending) {
    do {
      try context.channel.send { $0.append(.jobAck, JobAck().object) }
      while true { try handle(try context.channel.next()) }
    } catch {
      if states.isFinished, error == .hostGone { return }
      writer.abort()
      // FINISHED was our last word.
      if states.isFinished { throw .hostGone }
      throw error
    }
  }

  private func handle(_ header: FrameHeader) throws(Ending) {
    let stream = try wire { () throws(WireError) in
      try states.receive(header.type, stream: header.stream)
    }
    guard let stream else { return try takeFinish() }
    switch header.type {
    case .extents: try takeExtents(header, of: stream)
    case .open: try takeOpen(stream)
    case .data: try takeData(header)
    case .zero: try takeZero(of: stream)
    default: try takeClose()
    }
  }

  private func takeExtents(
    _ header: FrameHeader, of stream: StreamDescription
  ) throws(Ending) {
    let extents = try wire { () throws(WireError) in
      try context.channel.withPayload { payload throws(WireError) in
        try maps.take(payload, of: stream, isLast: header.flags & FrameHeader.lastExtentsFlag != 0)
      }
    }
    if let extents { try plugin { () throws(PluginError) in try writer.map(stream, extents) } }
  }

  private func takeOpen(_ stream: StreamDescription) throws(Ending) {
    guard maps.isComplete(context.job.streams) else {
      throw .failed(PluginError(.state(.open, state: "before the allocation maps are complete")))
    }
    let payload = context.channel.payloadBytes()
    _ = try wire { () throws(WireError) in try ControlFrame.members(.open, payload) }
    maps.begin(stream.id)
    try plugin { () throws(PluginError) in try writer.open(stream) }
  }

  private func takeData(_ header: FrameHeader) throws(Ending) {
    try context.channel.withPayload { payload throws(Ending) in
      let frame = try wire { () throws(WireError) in
        let frame = try DataFrame(parsing: payload)
        let range = try states.advance(
          .data, offset: frame.offset, length: UInt64(frame.length))
        try maps.check(.data, range, .data)
        return frame
      }
      try deliver(header, frame, payload)
    }
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
    guard delivery.isKept else {
      return context.releases.release(sequence: sequence, slot: slot)
    }
    let most = context.host.leasesMax
    guard context.releases.keptCount <= most else {
      throw .failed(
        PluginError(
          .internal,
          "the writer keeps \(context.releases.keptCount) pieces of data, and may keep "
            + "\(most): it has to let go of some before it returns"))
    }
  }

  private func takeZero(of stream: StreamDescription) throws(Ending) {
    let (range, kind) = try wire { () throws(WireError) in
      try context.channel.withPayload { payload throws(WireError) in
        let frame = try ZeroFrame(parsing: payload)
        guard frame.request == 0 else {
          throw .field(.zero, field: "request", value: UInt64(frame.request))
        }
        let range = try states.advance(.zero, offset: frame.offset, length: frame.length)
        try check(range, frame.kind, of: stream)
        try maps.check(.zero, range, frame.kind)
        return (range, frame.kind)
      }
    }
    try write(range, kind)
  }

  /// Refuses what is unchanged in a whole stream, or where the parent has no bytes.
  private func check(
    _ range: Range<UInt64>, _ kind: Extent.Kind, of stream: StreamDescription
  ) throws(WireError) {
    guard kind == .unchanged else { return }
    let parent = stream.isIncremental ? context.job.parent?.streams[stream.name] : nil
    guard let parent, parent.covers(range, of: stream.size ?? 0) else {
      throw .field(.zero, field: "kind", value: 2)
    }
  }

  /// Hands a range over in pieces: a format that writes something for every cluster may be at work
  /// for minutes, and a host that has called the job off waits meanwhile.
  private func write(_ range: Range<UInt64>, _ kind: Extent.Kind) throws(Ending) {
    var start = range.lowerBound
    while start < range.upperBound {
      let end = start + min(range.upperBound - start, Self.zeroBytesMax)
      try plugin { () throws(PluginError) in try writer.zero(start..<end, kind) }
      start = end
      if start < range.upperBound { try context.channel.requireHost() }
    }
  }

  private func takeClose() throws(Ending) {
    let frame = try wire { () throws(WireError) in
      try context.channel.withPayload { payload throws(WireError) in
        let frame = try CloseFrame(parsing: payload)
        try states.close(frame)
        return frame
      }
    }
    try plugin { () throws(PluginError) in
      try writer.close(length: frame.logicalLength, digest: frame.digest)
    }
  }

  private func takeFinish() throws(Ending) {
    let finished: Finished
    do { finished = try writer.finish() } catch { throw .failed(error) }
    do { try finished.check(.write, context.job.output) } catch {
      throw .failed(
        PluginError(.internal, "finish() announces no archive: Finished(archiveBytes:) does"))
    }
    states.sentFinished()
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
