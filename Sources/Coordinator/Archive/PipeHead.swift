internal import CLinux
internal import Glibc
internal import JobSupport
internal import Pump
internal import System

/// The first bytes of what waits in a pipe; they stay in it (tee(2)).
enum PipeHead {
  /// Most bytes that are looked at: what a pipe holds at least.
  static let byteCountMax = 64 << 10
  /// How long the first bytes may take: whoever sends them may have to wind a tape.
  private static let patienceSeconds = 600.0
  private static let stepMilliseconds: UInt32 = 10

  /// Waits until the pipe holds `count` bytes, or has come to its end.
  ///
  /// - Parameter count: 1…``byteCountMax``.
  /// - Returns: Fewer bytes if there will be no more.
  /// - Throws: `JobError`: nothing came in time, or the user stopped the waiting.
  static func peek(_ pipe: Int32, count: Int, stop: StopSignal) throws(JobError) -> [UInt8] {
    let deadline = MonotonicTime.now.advanced(bySeconds: patienceSeconds)
    while true {
      let isWhole = try wait(pipe, until: deadline, stop)
      let bytes = try attempt("read standard input") { () throws(SystemCallError) in
        try copy(pipe, count: count)
      }
      if bytes.count == count || isWhole { return bytes }
      // The pipe is readable already: there is nothing to wait for but time.
      usleep(stepMilliseconds * 1000)
    }
  }

  /// - Returns: Whether the pipe has no writer any more.
  private static func wait(
    _ pipe: Int32, until deadline: MonotonicTime, _ stop: StopSignal
  ) throws(JobError) -> Bool {
    var poller = Poller()
    let place = poller.add(pipe, .readable)
    poller.add(stop.descriptor, .readable)
    let left = deadline.seconds(since: .now)
    do { _ = try poller.wait(seconds: max(0, left)) } catch {
      throw JobError(error, cannot: "wait for standard input")
    }
    if stop.isRequested { throw JobError(.cancelled) }
    let result = poller.result(place)
    guard result != [] || left > 0 else {
      throw JobError(
        .inputOutput, cannot: "read standard input",
        "no data within \(Int(patienceSeconds)) s")
    }
    return result.contains(.hungUp)
  }

  private static func copy(_ pipe: Int32, count: Int) throws(SystemCallError) -> [UInt8] {
    let other = try Pipe()
    let copied = clinux_tee(pipe, other.writeRaw, count)
    if copied == -Int(EAGAIN) { return [] }
    let length = Int(try check(copied, .read, "standard input"))
    var bytes = [UInt8](repeating: 0, count: length)
    guard length > 0 else { return bytes }
    let read = unsafe bytes.withUnsafeMutableBytes {
      unsafe clinux_read(other.readRaw, $0.baseAddress!, length)
    }
    bytes.removeLast(length - Int(try check(read, .read, "standard input")))
    return bytes
  }
}
