/// A job in read mode: answers each READ with the frames of its stream.
///
/// Whole stream: OPEN, DATA and ZERO, CLOSE, READ_DONE. Part of a stream: DATA, ZERO, READ_DONE.
/// A READ that fails ends with READ_DONE and its code, after a LOG that says why; the session goes
/// on. Specified in protocol.md, *Read mode*.
final class ReadSession {
  private let context: Context
  private let reader: any ArchiveReader
  private let slots: ReadSlots
  private var streams: [UInt32: StreamDescription] = [:]
  private var isFinished = false

  init(_ context: Context, _ type: any ArchiveReader.Type) throws(Ending) {
    self.context = context
    slots = ReadSlots(context)
    do {
      reader = try type.init(job: context.job, input: context.output, host: context.host)
    } catch { throw .failed(error) }
  }

  /// Runs until the host has closed its end after FINISHED.
  func run() throws(Ending) {
    for stream in reader.streams { streams[stream.id] = stream }
    let ack = JobAck(streams: reader.streams)
    try context.channel.send { $0.append(.jobAck, ack.object) }
    while true {
      if let read = slots.nextRead() {
        try answer(read.header, read.frame)
      } else {
        do { try handle(try context.channel.next()) } catch {
          if isFinished, error == .hostGone { return }
          throw error
        }
      }
    }
  }

  private func handle(_ header: FrameHeader) throws(Ending) {
    switch header.type {
    case .finish where !isFinished:
      isFinished = true
      try context.channel.send { $0.append(.finished, Finished().object) }
    case .read where isFinished:
      throw .failed(PluginError(.state(.read, state: "after FINISHED")))
    default: try slots.handle(header)
    }
  }

  private func answer(_ header: FrameHeader, _ frame: ReadFrame) throws(Ending) {
    let (stream, range) = try wanted(header, frame)
    if frame.isWholeStream { context.channel.append { $0.appendOpen(stream: stream.id) } }
    let sink = ReadSink(range, stream: stream.id, request: header.sequence, slots: slots)
    var status = ErrorCode.none
    do throws(PluginError) {
      try reader.read(stream, range, into: sink)
      guard sink.position == sink.end else {
        throw PluginError(.internal, "the reader stopped before the end of \(stream.name)")
      }
    } catch {
      if let ending = sink.ending { throw ending }
      context.host.log(.error, error.message)
      status = error.code
    }
    try context.channel.send { writer in
      if frame.isWholeStream && status == .none {
        let close = CloseFrame(logicalLength: range.upperBound, digest: stream.digest ?? .none)
        writer.append(close, stream: stream.id)
      }
      writer.append(ReadDoneFrame(request: header.sequence, status: status), stream: stream.id)
    }
  }

  /// What a READ is about; the host may ask only for what there is.
  private func wanted(
    _ header: FrameHeader, _ frame: ReadFrame
  ) throws(Ending) -> (StreamDescription, Range<UInt64>) {
    guard let stream = streams[header.stream] else {
      throw .failed(
        PluginError(.field(.read, field: "stream", value: UInt64(header.stream))))
    }
    guard let size = stream.size else {
      throw .failed(PluginError(.internal, "\(stream.name) has no size"))
    }
    if frame.isWholeStream { return (stream, 0..<size) }
    guard context.features.contains(.randomRead) else {
      throw .failed(PluginError(.unsupported, "parts of a stream were not agreed on"))
    }
    guard frame.offset < size, frame.length <= size - frame.offset else {
      throw .failed(PluginError(.field(.read, field: "length", value: frame.length)))
    }
    return (stream, frame.offset..<(frame.offset + frame.length))
  }
}
