internal import CLinux
internal import Glibc
internal import System

/// A command of the shell that reads an archive, and the process that watches it.
///
/// It runs outside of every sandbox, with the caller's rights and environment. It reads the end of
/// its input only when the archive is complete: `sluice-sink` holds the pipe open until then, and
/// ends the command when this object is released, or its process dies.
package final class SinkCommand {
  /// How a command ended.
  enum End: Equatable {
    case exited(Int32)
    case signalled(Int32)
    /// Its watcher is gone and cannot tell.
    case unknown
  }

  /// Written to the lifeline once the archive is complete.
  private static let whole: UInt8 = 0x2E
  /// The watcher asks for 5 seconds, then kills.
  private static let endingSeconds = 8.0
  private static let pipeBytes: Int32 = 1 << 20

  private let pid: Int32
  private let pidfd: OwnedDescriptor
  private let status: OwnedDescriptor
  private var lifeline: OwnedDescriptor?
  private var archive: OwnedDescriptor?
  private var end: End?

  /// Where the watcher lies.
  package static func watcher(besideLauncher launcher: String) -> String {
    splitPath(launcher).directory + "/sluice-sink"
  }

  /// Starts the command.
  ///
  /// - Parameters:
  ///   - launcher: Path of `sluice-launcher`, beside which the watcher lies.
  ///   - output: The command's standard output.
  init(_ command: String, launcher: String, output: Int32) throws(SystemCallError) {
    let watcher = Self.watcher(besideLauncher: launcher)
    var pipe = try Pipe()
    var lifeline = try Pipe()
    var status = try Pipe()
    // A command and a plugin that take turns at 64 KiB wait for each other most of the time.
    _ = clinux_set_pipe_capacity(pipe.writeRaw, Self.pipeBytes)
    let table: [(source: Int32, target: Int32)] = [
      (pipe.readRaw, 0), (output, 1), (2, 2), (lifeline.readRaw, 3), (pipe.writeRaw, 4),
      (status.writeRaw, 5),
    ]
    pid = try Self.spawn([watcher, command], table)
    pidfd = OwnedDescriptor(adopting: try check(clinux_pidfd_open(pid), .pidfdOpen, watcher))
    self.lifeline = lifeline.takeWriteEnd()
    self.status = status.takeReadEnd()
    archive = pipe.takeWriteEnd()
  }

  deinit { stop() }

  /// The pipe's end, for the plugin; to be asked for once.
  func takeArchiveEnd() throws(SystemCallError) -> OwnedDescriptor {
    guard let end = archive.take() else {
      throw SystemCallError(.duplicate, subject: "the command's pipe", code: EBADF)
    }
    return end
  }

  /// How the command ended, if it does within a time; `nil` while it runs.
  func endIfAny(within seconds: Double) -> End? {
    var poller = Poller()
    poller.add(status.raw, .readable)
    guard end == nil, (try? poller.wait(seconds: seconds)) ?? 0 > 0 else { return end }
    var words: (isSignal: UInt32, value: UInt32) = (0, 0)
    let count = unsafe withUnsafeMutableBytes(of: &words) {
      unsafe clinux_read(status.raw, $0.baseAddress!, $0.count)
    }
    end =
      count < MemoryLayout.size(ofValue: words)
      ? .unknown
      : words.isSignal != 0 ? .signalled(Int32(words.value)) : .exited(Int32(words.value))
    return end
  }

  /// Lets the command read the end of the archive, and waits for its own end.
  ///
  /// - Parameters:
  ///   - seconds: How long it may take.
  ///   - signal: The user's wish to stop, which ends the waiting.
  /// - Returns: How it ended; `nil` if it did not.
  func complete(within seconds: Double, stop signal: StopSignal) -> End? {
    var word = Self.whole
    if let raw = lifeline?.raw { unsafe _ = clinux_write(raw, &word, 1) }
    let deadline = MonotonicTime.now.advanced(bySeconds: seconds)
    var poller = Poller()
    while end == nil && !signal.isRequested {
      let left = deadline.seconds(since: .now)
      if left <= 0 { return nil }
      poller.removeAll()
      poller.add(status.raw, .readable)
      poller.add(signal.descriptor, .readable)
      _ = try? poller.wait(seconds: left)
      _ = endIfAny(within: 0)
    }
    return end
  }

  /// Ends the command, if it has not ended, and waits until it and its watcher are gone.
  private func stop() {
    lifeline = nil
    archive = nil
    if !isReaped(within: Self.endingSeconds) {
      _ = clinux_pidfd_signal(pidfd.raw, SIGKILL)
      _ = isReaped(within: 2)
    }
  }

  private func isReaped(within seconds: Double) -> Bool {
    var poller = Poller()
    poller.add(pidfd.raw, .readable)
    _ = try? poller.wait(seconds: seconds)
    var (code, isSignal): (Int32, Int32) = (0, 0)
    return unsafe clinux_reap(pid, &code, &isSignal) != 0
  }

  private static func spawn(
    _ arguments: [String], _ table: [(source: Int32, target: Int32)]
  ) throws(SystemCallError) -> Int32 {
    let environment = (try readSmallFile("/proc/self/environ", limit: 4 << 20))
      .split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    var argv: [UnsafeMutablePointer<CChar>?] = unsafe arguments.map { unsafe strdup($0) } + [nil]
    var envp: [UnsafeMutablePointer<CChar>?] = unsafe environment.map { unsafe strdup($0) } + [nil]
    defer { unsafe (argv + envp).forEach { unsafe free($0) } }
    var pid: Int32 = 0
    try check(
      unsafe clinux_spawn(
        arguments[0], &argv, &envp, table.map(\.source), table.map(\.target), table.count, &pid),
      .spawn, arguments[0])
    return pid
  }
}

extension SinkCommand.End {
  /// For people.
  var text: String {
    switch self {
    case .exited(let code): "exited with status \(code)"
    case .signalled(let number): "was killed by signal \(number)"
    case .unknown: "ended with unknown status"
    }
  }
}
