internal import Glibc
internal import JobSupport
internal import Pump
internal import System

/// A small file that the user names: a file, or a pipe such as that of the shell's `<(COMMAND)`.
struct NamedFile {
  /// Seconds a pipe may be silent: it may have no writer.
  private static let pipeSeconds = 10.0

  let path: String
  /// What cannot be done without it, in messages.
  let action: String
  /// Ends the waiting for a pipe.
  let stop: StopSignal

  /// The whole of it.
  ///
  /// - Returns: `nil` if it has more bytes than `limit`.
  func read(limit: Int) throws(JobError) -> [UInt8]? {
    // Not blocking: a pipe without a writer must not hold us up.
    let file = try held { () throws(SystemCallError) in
      try openFile(path, flags: O_RDONLY | O_NONBLOCK)
    }
    let raw = file.raw
    let kind = try held { () throws(SystemCallError) in
      try FileStatus(descriptor: raw, subject: path).kind
    }
    switch kind {
    case .regular, .pipe: break
    case .directory: throw refused("it is a directory")
    default: throw refused("it is neither a file nor a pipe")
    }
    do throws(SystemCallError) {
      return try file.readToEnd(
        limit: limit, subject: path, patience: kind == .pipe ? Self.pipeSeconds : nil, stop: stop)
    } catch {
      switch error.code {
      case EFBIG: return nil
      case ECANCELED: throw JobError(.cancelled)
      case ETIMEDOUT:
        throw refused("it is a pipe, and no data came from it for \(Int(Self.pipeSeconds)) s")
      default: throw failed(error)
      }
    }
  }

  private func held<Value: ~Copyable>(
    _ body: () throws(SystemCallError) -> Value
  ) throws(JobError) -> Value {
    do throws(SystemCallError) { return try body() } catch { throw failed(error) }
  }

  /// Whatever the errno, it is the input that cannot be read.
  private func failed(_ error: SystemCallError) -> JobError {
    switch error.status {
    case .system: refused(errnoText(error.code))
    default: JobError(error, cannot: action)
    }
  }

  private func refused(_ why: String) -> JobError { JobError(.noInput, cannot: action, why) }
}
