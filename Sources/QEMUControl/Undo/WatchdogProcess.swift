internal import CLinux
internal import Glibc
internal import Synchronization
package import System

/// The process that takes down what a job has in QEMU when the coordinator cannot any more.
///
/// Started before anything is put into QEMU. It holds the other end of a pipe, the lifeline: when
/// that closes without the farewell byte, it acts. So letting go of this object without `end()` is
/// an order to take down.
package final class WatchdogProcess: Sendable {
  /// Numbers of what it inherits.
  package enum Descriptor {
    package static let lifeline: Int32 = 3
    package static let qmp: Int32 = 4
    package static let agent: Int32 = 5
  }

  /// What is written to the lifeline after a clean take-down.
  package static let farewell: UInt8 = 0x2E

  package let pid: Int32
  private let pidfd: OwnedDescriptor
  private let lifeline: Mutex<Int32?>

  private init(pid: Int32, pidfd: consuming OwnedDescriptor, lifeline: consuming OwnedDescriptor) {
    self.pid = pid
    self.pidfd = pidfd
    self.lifeline = Mutex(lifeline.release())
  }

  deinit { letGo() }

  /// Where it lies: beside the launcher.
  package static func path(besideLauncher launcher: String) -> String {
    splitPath(launcher).directory + "/sluice-watchdog"
  }

  /// Starts it, in a session of its own: a terminal's Ctrl-C does not reach it.
  ///
  /// - Parameters:
  ///   - path: Of `sluice-watchdog`.
  ///   - journal: Of the job that it watches.
  ///   - qmp: `Monitor.inheritableDescriptor`; it gets a duplicate, silent until it acts.
  ///   - agent: `GuestAgent.rawDescriptor`, likewise.
  package static func start(
    path: String, journal: Journal, qmp: Int32, agent: Int32? = nil
  ) throws(SystemCallError) -> WatchdogProcess {
    var lifeline = try Pipe()
    let null = try openFile("/dev/null", flags: O_RDWR)
    var table: [(source: Int32, target: Int32)] = [
      (null.raw, 0), (null.raw, 1), (2, 2), (lifeline.readRaw, Descriptor.lifeline),
      (qmp, Descriptor.qmp),
    ]
    if let agent { table.append((agent, Descriptor.agent)) }
    let pid = try spawn([path, journal.mark.id, journal.path], table)
    let pidfd = OwnedDescriptor(adopting: try check(clinux_pidfd_open(pid), .pidfdOpen, path))
    return WatchdogProcess(pid: pid, pidfd: pidfd, lifeline: lifeline.takeWriteEnd())
  }

  private static func spawn(
    _ arguments: [String], _ table: [(source: Int32, target: Int32)]
  ) throws(SystemCallError) -> Int32 {
    var argv = unsafe arguments.map { unsafe strdup($0) } + [nil]
    var environment = unsafe [strdup("LC_ALL=C"), nil]
    defer { unsafe (argv + environment).forEach { unsafe free($0) } }
    var pid: pid_t = 0
    let result = unsafe clinux_spawn(
      arguments[0], &argv, &environment, table.map(\.source), table.map(\.target), table.count,
      &pid)
    try check(result, .spawn, arguments[0])
    return pid
  }

  /// Whether it still watches.
  package var isAlive: Bool {
    var poller = Poller()
    poller.add(pidfd.raw, .readable)
    return ((try? poller.wait(seconds: 0)) ?? 0) == 0
  }

  /// Dismisses it after a clean take-down, and waits for its end.
  ///
  /// - Parameter seconds: After so long it is killed.
  /// - Returns: Whether it had watched until now.
  @discardableResult
  package func end(seconds: Double = 2) async -> Bool {
    let wasAlive = isAlive
    sayFarewell()
    letGo()
    let deadline = MonotonicTime.now.advanced(bySeconds: seconds)
    while isAlive && MonotonicTime.now < deadline { await pause(milliseconds: 5) }
    if isAlive { _ = clinux_pidfd_signal(pidfd.raw, SIGKILL) }
    await reap()
    return wasAlive
  }

  private func sayFarewell() {
    clinux_ignore_sigpipe()
    lifeline.withLock { end in
      guard let end else { return }
      var byte = Self.farewell
      // Safe because: one byte is what the pointer shows. A dead watchdog does not read it.
      _ = unsafe clinux_write(end, &byte, 1)
    }
  }

  private func letGo() {
    lifeline.withLock { end in
      if let open = end { _ = clinux_close(open) }
      end = nil
    }
  }

  private func reap() async {
    var (status, isSignal) = (Int32(0), Int32(0))
    for _ in 0..<200 where unsafe clinux_reap(pid, &status, &isSignal) == 0 {
      await pause(milliseconds: 5)
    }
  }
}
