internal import BackupProtocol

/// A job in read mode: answers each READ with the frames of its stream.
///
/// Whole stream: OPEN, DATA and ZERO, CLOSE, READ_DONE. Part of a stream: DATA, ZERO, READ_DONE.
/// A READ that fails ends with READ_DONE and its code, after an ERROR that says why; the session
/// goes on. Specified in protocol.md §7.
final class ReadSession {
  private let context: Context
  private let reader: any ArchiveReader
  private let slots: ReadSlots
  private var streams: [UInt32: StreamDescription] = [:]
  /// Whether all is well so far, and a stream was read or had to be: a list is no reason to go to
  /// the archive's end, nor is a range, which that could not prove.
  private var hasEndToCheck: Bool
  /// Something of the archive is lost: its end would say so again, of all of it.
  private var hasDamage = false
  /// A READ has failed, or was of a range: what is proven then of others would be taken for all.
  private var hasUnproven = false
  private let checksDigests: Bool
  /// Whether the kit has held all that was read against digests; counts only if it is to.
  private var isProven = true

  init(_ context: Context, _ type: any ArchiveReader.Type) throws(Ending) {
    self.context = context
    checksDigests = type.checksDigests
    slots = ReadSlots(context)
    hasEndToCheck = context.job.mode == .verify
    do {
      let input = Input(descriptor: context.target, kind: context.job.output)
      reader = try type.init(job: context.job, input: input, host: context.host)
    } catch { throw .failed(error) }
  }

  /// Runs until the host has closed its end after FINISHED.
  func run() throws(Ending) {
    for stream in reader.streams { streams[stream.id] = stream }
    var ack = JobAck(streams: reader.streams)
    (ack.vm, ack.instant) = (reader.machine, reader.instant)
    ack.machine = reader.description
    try context.channel.send { $0.append(.jobAck, ack.object) }
    while true {
      if let read = slots.nextRead() {
        try answer(read.header, read.frame)
        continue
      }
      do { try handle(try context.channel.next()) } catch {
        if slots.states.isFinished, error == .hostGone { return }
        // FINISHED was our last word.
        if slots.states.isFinished { throw .hostGone }
        throw error
      }
    }
  }

  private func handle(_ header: FrameHeader) throws(Ending) {
    try slots.handle(header)
    guard header.type == .finish else { return }
    if hasEndToCheck {
      do throws(PluginError) { try reader.finish() } catch { throw .failed(error) }
    }
    slots.states.sentFinished()
    let isProven = checksDigests ? isProven : reader.isProven
    let finished = Finished(isProven: hasEndToCheck && !hasUnproven && isProven)
    try context.channel.send { $0.append(.finished, finished.object) }
  }

  private func answer(_ header: FrameHeader, _ frame: ReadFrame) throws(Ending) {
    var status = ErrorCode.none
    var ending: Ending?
    slots.states.beginAnswer()
    do throws(PluginError) {
      try read(header, frame, &ending)
    } catch {
      if let ending { throw ending }
      status = error.code
      hasUnproven = true
      context.channel.append {
        $0.append(
          error.frame(answers: header.sequence, isStreamOnly: true), stream: header.stream)
      }
    }
    if frame.isWholeStream {
      hasEndToCheck = status == .none && !hasDamage
    } else {
      hasUnproven = true
    }
    slots.states.sentReadDone()
    try context.channel.send {
      $0.append(ReadDoneFrame(request: header.sequence, status: status), stream: header.stream)
    }
  }

  /// Everything of the answer but its READ_DONE.
  ///
  /// - Parameter ending: Why the session ended meanwhile.
  private func read(
    _ header: FrameHeader, _ frame: ReadFrame, _ ending: inout Ending?
  ) throws(PluginError) {
    let (stream, range) = try wanted(header, frame)
    if frame.isWholeStream { context.channel.append { $0.appendOpen(stream: stream.id) } }
    let sink = ReadSink(
      range, of: stream, request: header.sequence, slots: slots,
      salvages: context.job.salvages,
      digests: checksDigests && frame.isWholeStream && stream.digest?.isTree ?? false)
    let wasProven = isProven
    isProven = false
    defer {
      ending = sink.ending
      if sink.hasDamage { hasDamage = true }
    }
    try reader.read(stream, range, into: sink)
    guard sink.position == sink.end else {
      throw PluginError(.internal, "the reader stopped before the end of \(stream.name)")
    }
    isProven = try sink.proves(stream) && wasProven
    guard frame.isWholeStream else { return }
    let close = CloseFrame(logicalLength: range.upperBound, digest: stream.digest ?? .none)
    context.channel.append { $0.append(close, stream: stream.id) }
  }

  /// What a READ is about; only what there is can be read.
  private func wanted(
    _ header: FrameHeader, _ frame: ReadFrame
  ) throws(PluginError) -> (StreamDescription, Range<UInt64>) {
    guard let stream = streams[header.stream] else {
      throw PluginError(.notFound, "the archive has no stream \(header.stream)")
    }
    guard let size = stream.size else {
      throw PluginError(.internal, "\(stream.name) has no size")
    }
    if frame.isWholeStream { return (stream, 0..<size) }
    guard context.features.contains(.randomRead) else {
      throw PluginError(.unsupported, "reading parts of a stream was not agreed on")
    }
    guard frame.offset < size, frame.length <= size - frame.offset else {
      throw PluginError(.limit, "\(stream.name) ends before the part that was asked for")
    }
    let range = frame.offset..<(frame.offset + frame.length)
    guard range.upperBound % Cluster.bytes == 0 || range.upperBound == size else {
      throw PluginError(.protocol, "a part of \(stream.name) ends inside a cluster")
    }
    return (stream, range)
  }
}

extension Digest {
  /// Whether it is made as ``TreeDigest`` makes it.
  fileprivate var isTree: Bool { algorithm == .treeSHA256 || algorithm == .incrementTreeSHA256 }
}
