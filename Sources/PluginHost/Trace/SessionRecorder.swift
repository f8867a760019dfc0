internal import BackupProtocol
internal import CLinux
internal import Glibc
internal import Synchronization
package import System

/// A file with every frame that a host and its plugins say to each other, byte by byte: a report of
/// a fault that can be played again. Specified in docs/recordings.md.
package final class SessionRecorder: Sendable {
  /// Whether what disks and configuration hold is recorded, too.
  let hasContents: Bool
  private let file: Mutex<Int32>
  private let path: String
  private let sessions = Mutex(0)
  private let started = MonotonicTime.now

  /// - Parameters:
  ///   - path: Made anew, for the caller alone: names of machines and options are in it.
  ///   - by: The program that records, and its version.
  ///   - hasContents: Whether bytes of disks and configuration are recorded; else how many.
  /// - Throws: `SystemCallError` if there is such a file already, or none can be made.
  package init(
    creating path: String, by: String, hasContents: Bool
  ) throws(SystemCallError) {
    let descriptor = try openFile(path, flags: O_WRONLY | O_CREAT | O_EXCL | O_APPEND, mode: 0o600)
    self.hasContents = hasContents
    file = Mutex(descriptor.release())
    self.path = path
    write([
      Array(RecordingLine.head.utf8), Array("by \(by)".utf8),
      Array("contents \(hasContents ? "recorded" : "left out")".utf8),
    ])
  }

  /// What was refused before a plugin was started leaves no empty file behind.
  deinit {
    let isUsed = sessions.withLock { $0 > 0 }
    file.withLock { raw in
      if !isUsed { _ = unsafe clinux_unlinkat(currentDirectory, path, 0) }
      _ = clinux_close(raw)
    }
  }

  /// Begins a session.
  ///
  /// - Parameter plugin: As the user named it.
  /// - Returns: Its number.
  func begin(_ plugin: String) -> Int {
    let session = sessions.withLock { count in
      count += 1
      return count
    }
    write([line(session, .begins(plugin)).text()])
    return session
  }

  /// Writes what happened, and what a slot held then.
  ///
  /// - Parameter comment: The same in words.
  func write(
    _ session: Int, _ event: RecordingLine.Event, comment: String = "",
    slot: RecordingLine.Event? = nil
  ) {
    var lines = [line(session, event).text(comment: comment)]
    if let slot { lines.append(line(session, slot).text()) }
    write(lines)
  }

  private func line(_ session: Int, _ event: RecordingLine.Event) -> RecordingLine {
    let microseconds = UInt64((MonotonicTime.now.seconds(since: started) * 1_000_000).rounded())
    return RecordingLine(microseconds: microseconds, session: session, event: event)
  }

  /// A full disk costs the recording, never the backup.
  private func write(_ lines: [[UInt8]]) {
    let bytes = lines.reduce(into: []) { $0 += $1 + [0x0A] }
    file.withLock { raw in
      var done = 0
      while done < bytes.count {
        let count = unsafe bytes.withUnsafeBytes {
          unsafe clinux_write(raw, $0.baseAddress! + done, $0.count - done)
        }
        if count <= 0 { return }
        done += count
      }
    }
  }
}
