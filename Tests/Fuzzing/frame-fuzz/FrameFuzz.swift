import BackupProtocol
import FrameExercise
import JSON

/// Called by libFuzzer with every input it makes.
///
/// What must hold for any bytes: the decoder ends without a trap; how the input is cut changes
/// nothing, nor does where inline bytes are put; what is decoded survives being encoded and decoded
/// again.
@c(LLVMFuzzerTestOneInput)
public func fuzzFrames(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: data, count: count))
  if bytes.first == UInt8(ascii: "{") {
    fuzzFiles(bytes)
    return 0
  }
  // A small reader is made quickly; inputs that need the large one get it.
  let limit = count <= 64 << 10 ? 64 << 10 : Limits.frameBytesMax
  // The first number comes from the input, too: so the wrap around 2^32 is within reach.
  let first: UInt32 = bytes.last == 0xFF ? .max : 0
  let whole = Exercise(bytes, firstSequence: first, frameBytesMax: limit)
  precondition(whole.frames.allSatisfy { $0.isStable }, "decoded, encoded, decoded: differs")
  let step = 1 + Int(bytes.last ?? 0) % 61
  let cut = Exercise(
    bytes, cuts: stride(from: step, to: count, by: step), firstSequence: first,
    frameBytesMax: limit)
  precondition(whole.agrees(with: cut), "the cut changed what was decoded")
  let placed = Exercise(
    bytes, cuts: stride(from: step, to: count, by: step), firstSequence: first,
    frameBytesMax: limit, inlineAlignment: 4096)
  precondition(whole.agrees(with: placed), "the place of inline bytes changed what was decoded")
  precondition(placed.frames.allSatisfy { $0.isAligned }, "inline bytes are not in their place")
  for mode in [Job.Mode.write, .read] { drive(HostStateMachine(mode: mode), whole.frames) }
  for request: UInt32 in [0, 4] { driveAnswer(request, whole.frames) }
  drivePlugins(whole.frames)
  #if CANARY
  precondition(whole.frames.count < 2, "the canary: the fuzzer must notice this")
  #endif
  if let error = whole.error { precondition(!"\(error) \(error.code.name)".isEmpty) }
  return 0
}

/// Files that others write: a manifest, a receipt.
private func fuzzFiles(_ bytes: [UInt8]) {
  do throws(ManifestError) {
    let manifest = try Manifest(parsing: bytes, host: ReleaseVersion("0.1.0"))
    for option in manifest.formats.flatMap(\.options) {
      _ = option.value("7")
      _ = option.expectation
    }
  } catch { precondition(!"\(error)".isEmpty) }
  guard let receipt = try? Receipt(parsing: bytes) else { return }
  let again = try? Receipt(parsing: JSONValue.object(receipt.object).serialised())
  precondition(again == receipt, "a receipt is not what was written")
}

/// The host's state machine, which may refuse any frame but never trap.
private func drive(_ start: HostStateMachine, _ frames: [Exercise.Frame]) {
  var machine = start
  for frame in frames {
    if frame.header.flags & 1 != 0 { machine.sentFinish() }
    if frame.header.stream == 7 { machine.sentAbort() }
    guard (try? machine.receive(frame.header.type)) != nil else { return }
  }
}

/// The states of the answer to a READ, whose stream is open: few inputs begin with an OPEN; and of
/// one of a range.
private func driveAnswer(_ request: UInt32, _ frames: [Exercise.Frame]) {
  var answer = AnswerStateMachine(request: request, size: nil, slotCount: 4, slotBytes: 65536)
  var range = AnswerStateMachine(
    request: request, range: 65536..<1 << 30, slotCount: 4, slotBytes: 65536)
  try? answer.receive(.open)
  for frame in frames {
    guard let content = streamFrame(frame) else { continue }
    if case .data(let data) = content { checkRuns(data, frame.payload) }
    if !range.isDone { try? range.receive(content) }
    guard (try? answer.receive(content)) != nil else { continue }
    if answer.isDone { return }
  }
}

/// The runs of a frame's masks, which lie in its bytes, one behind the other.
private func checkRuns(_ data: DataFrame, _ payload: [UInt8]) {
  var end = 0
  while let run = BlockMask.nextRun(
    from: end, byteCount: Int(data.length), { data.mask($0, in: payload.span.bytes) })
  {
    precondition(run.lowerBound >= end && run.upperBound > run.lowerBound, "a run that is none")
    precondition(run.upperBound <= Int(data.length), "a run behind the end")
    end = run.upperBound
  }
  if data.maskCount == 0 { precondition(end == Int(data.length), "bytes without a run") }
}

/// The states of a plugin that writes, whose stream is open, and of one that reads.
private func drivePlugins(_ frames: [Exercise.Frame]) {
  var writer = WriterStateMachine([
    StreamDescription(id: 1, kind: .disk, name: "d", role: "disk", size: nil)
  ])
  _ = try? writer.receive(.open, stream: 1)
  var reader = ReaderStateMachine()
  for frame in frames {
    let (type, stream) = (frame.header.type, frame.header.stream)
    if (try? reader.receive(type)) != nil {
      if type == .read { reader.beginAnswer() } else { reader.sentReadDone() }
      if type == .finish { reader.sentFinished() }
    }
    do throws(WireError) {
      _ = try writer.receive(type, stream: stream)
      switch streamFrame(frame) {
      case .data(let data):
        _ = try writer.advance(.data, offset: data.offset, length: UInt64(data.length))
      case .zero(let zero): _ = try writer.advance(.zero, offset: zero.offset, length: zero.length)
      case .close(let close): try writer.close(close)
      default: if type == .finish { writer.sentFinished() }
      }
    } catch { precondition(!"\(error)".isEmpty) }
  }
}

private func streamFrame(_ frame: Exercise.Frame) -> StreamFrame? {
  try? StreamFrame(frame.header.type, parsing: frame.payload.span.bytes)
}
