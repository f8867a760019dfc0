internal import CLinux
internal import Glibc
internal import Synchronization
package import System

/// A file into which everything that a host and its plugins say to each other is written: a line
/// for each frame, in words, with the section of protocol.md that says what it means.
package final class FrameTrace: TraceTaker {
  private let file: Mutex<Int32>
  private let path: String
  private let isUsed = Atomic(false)
  private let started = MonotonicTime.now

  /// - Parameter path: Made anew, for the caller alone: names of machines and options are in it.
  /// - Throws: `SystemCallError` if there is such a file already, or none can be made.
  package init(creating path: String) throws(SystemCallError) {
    let descriptor = try openFile(path, flags: O_WRONLY | O_CREAT | O_EXCL | O_APPEND, mode: 0o600)
    file = Mutex(descriptor.release())
    self.path = path
  }

  /// What was refused before a plugin was started leaves no empty file behind.
  deinit {
    file.withLock { raw in
      if !isUsed.load(ordering: .relaxed) { _ = unsafe clinux_unlinkat(currentDirectory, path, 0) }
      _ = clinux_close(raw)
    }
  }

  package func take(_ line: TraceLine) {
    let microseconds = Int((line.time.seconds(since: started) * 1_000_000).rounded())
    let fraction = String(microseconds % 1_000_000 + 1_000_000).dropFirst()
    write("\(microseconds / 1_000_000).\(fraction) \(line.plugin) \(line.arrow) \(line.words)")
  }

  /// Writes a line that is about those that follow.
  package func write(_ words: String) {
    isUsed.store(true, ordering: .relaxed)
    let line = Array("\(words)\n".utf8)
    // A full disk costs the trace, never the backup.
    file.withLock { raw in
      _ = unsafe line.withUnsafeBytes { unsafe clinux_write(raw, $0.baseAddress!, $0.count) }
    }
  }
}
