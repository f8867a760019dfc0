internal import CLinux
internal import Glibc
internal import JobSupport
internal import Pump
internal import System

/// Standard output. Whoever reads it may be slow, and the user may give up meanwhile.
@safe final class StandardOutput: RangeOutput {
  private static let subject = "standard output"
  /// Bytes that any pipe that can be written to takes at once (pipe(7), PIPE_BUF).
  private static let partBytes = 4096

  private let descriptor: OwnedDescriptor
  /// Whether a write waits for nobody, so that it may be as long as it likes.
  private let neverWaits: Bool
  private let stop: StopSignal
  private let zeros: UnsafeRawBufferPointer
  private var position: UInt64 = 0

  /// - Throws: `JobError` if there is none.
  init(stop: StopSignal) throws(JobError) {
    self.stop = stop
    let opening = "write to \(Self.subject)"
    let status = try attempt(opening) { () throws(SystemCallError) in
      try FileStatus(descriptor: StandardStream.output, subject: Self.subject)
    }
    descriptor = try attempt(opening) { () throws(SystemCallError) in
      OwnedDescriptor(
        adopting: try check(
          clinux_duplicate(StandardStream.output), .duplicate, Self.subject))
    }
    neverWaits = status.kind == .regular
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 4096)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0)
    unsafe zeros = UnsafeRawBufferPointer(memory)
  }

  deinit { unsafe zeros.deallocate() }

  func put(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(LaneFailure) {
    try fill(upTo: offset)
    try unsafe write(bytes)
  }

  func finish(_ byteCount: UInt64) throws(LaneFailure) { try fill(upTo: byteCount) }

  private func fill(upTo end: UInt64) throws(LaneFailure) {
    while position < end {
      let count = unsafe Int(min(UInt64(zeros.count), end - position))
      try unsafe write(UnsafeRawBufferPointer(rebasing: zeros[..<count]))
    }
  }

  private func write(_ bytes: UnsafeRawBufferPointer) throws(LaneFailure) {
    var done = 0
    while done < bytes.count {
      try waitUntilWritable()
      let most = neverWaits ? bytes.count : Self.partBytes
      let part = unsafe UnsafeRawBufferPointer(rebasing: bytes[done...].prefix(most))
      let result = unsafe clinux_write(descriptor.raw, part.baseAddress!, part.count)
      if result == -Int(EAGAIN) || result == -Int(EINTR) { continue }
      guard result >= 0 else {
        throw .target("cannot write to \(Self.subject): \(errnoText(Int32(-result)))")
      }
      done += result
      position += UInt64(result)
    }
  }

  private func waitUntilWritable() throws(LaneFailure) {
    if stop.isRequested { throw .cancelled }
    if neverWaits { return }
    var poller = Poller()
    poller.add(stop.descriptor, .readable)
    poller.add(descriptor.raw, .writable)
    do throws(SystemCallError) { _ = try poller.wait(seconds: nil) } catch {
      throw .system("\(error)")
    }
    if stop.isRequested { throw .cancelled }
  }
}
