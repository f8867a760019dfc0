import BackupProtocol
import FrameExercise
import JSON

/// Called by libFuzzer with every input it makes.
///
/// What must hold for any bytes: the decoder ends without a trap; how the input is cut changes
/// nothing; what is decoded survives being encoded and decoded again.
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
  for mode in [Job.Mode.write, .read] { drive(HostStateMachine(mode: mode), whole.frames) }
  #if CANARY
  precondition(whole.frames.count < 2, "the canary: the fuzzer must notice this")
  #endif
  if let error = whole.error { precondition(!"\(error) \(error.code.name)".isEmpty) }
  return 0
}

/// Files that others write: a manifest, a receipt.
private func fuzzFiles(_ bytes: [UInt8]) {
  do throws(ManifestError) {
    let manifest = try Manifest(parsing: bytes)
    for option in manifest.options {
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
