internal import BackupProtocol
internal import CLinux

/// Tells every frame of a session on standard error, for the author of a plugin: `SLUICE_TRACE=1`.
final class SessionTrace {
  private var sent = FrameReader()
  /// What follows cannot be understood any more.
  private var isLost = false

  /// Tells a frame of the host.
  func received(_ header: FrameHeader, _ payload: RawSpan) {
    tell("H → P \(header.words(payload))")
  }

  /// Takes bytes for the host as they leave, however they are cut.
  func sent(_ bytes: UnsafeRawBufferPointer) {
    var done = 0
    while done < bytes.count && !isLost {
      done += unsafe sent.fill { room in
        let count = min(room.count, bytes.count - done)
        unsafe room.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[done..<(done + count)]))
        return count
      }
      tellFrames()
    }
  }

  private func tellFrames() {
    do throws(WireError) {
      while let header = try sent.next() {
        sent.withPayload { tell("P → H \(header.words($0))") }
      }
    } catch { isLost = true }
  }

  private func tell(_ line: String) {
    let bytes = Array("sluice-trace: \(line)\n".utf8)
    // A line that cannot be written is no reason to fail.
    _ = unsafe bytes.span.withUnsafeBytes { unsafe clinux_write(2, $0.baseAddress!, $0.count) }
  }
}
