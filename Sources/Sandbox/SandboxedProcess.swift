internal import CLaunch
internal import CLinux
internal import Glibc
package import System

/// A program in a sandbox, and the launcher that watches it.
///
/// Owned by one thread. When the owner lets go of it, or dies, the program is killed: the launcher
/// holds the other end of a pipe, the lifeline, and kills when that closes.
package final class SandboxedProcess {
  /// For messages.
  package let name: String
  private let policyLayers: SandboxLayers
  private let pid: Int32
  private let pidfd: OwnedDescriptor
  private let status: OwnedDescriptor
  private var lifeline: Int32?
  private var pending: [SandboxEvent] = []
  private var exit: ExitStatus?
  private var isEnded = false
  private var isReaped = false

  /// Readable when ``readEvents()`` has something to say; non-blocking.
  package var statusDescriptor: Int32 { status.raw }
  /// Whether the last event was read: nothing more will come.
  package private(set) var hasEnded = false
  /// ABI of the kernel's Landlock once the program has started; 0 is none.
  package private(set) var landlockVersion = 0

  private init(
    name: String, layers: SandboxLayers, pid: Int32, pidfd: consuming OwnedDescriptor,
    status: consuming OwnedDescriptor, lifeline: consuming OwnedDescriptor
  ) {
    self.name = name
    self.policyLayers = layers
    self.pid = pid
    self.pidfd = pidfd
    self.status = status
    self.lifeline = lifeline.release()
  }

  deinit {
    terminate()
    _ = reap(deadline: MonotonicTime.now.advanced(bySeconds: 2))
  }

  /// Starts the launcher, which builds the sandbox and executes the program in it.
  ///
  /// Returns at once; ``SandboxEvent/started`` or ``SandboxEvent/failed`` tells how it went.
  ///
  /// - Parameter path: Of `sluice-launcher`; the caller has found it.
  /// - Throws: ``SandboxError``; then nothing was started.
  package static func launch(
    _ command: consuming SandboxCommand, launcher path: String
  ) throws(SandboxError) -> SandboxedProcess {
    try requireDescriptors()
    let description = try LaunchDescription(command)
    let file = try description.sealed()
    var sources = command.descriptors.map(\.source) + description.pathDescriptors.map(\.source)
    var targets = command.descriptors.map(\.target) + description.pathDescriptors.map(\.target)
    var status = try system { () throws(SystemCallError) in try Pipe() }
    var lifeline = try system { () throws(SystemCallError) in try Pipe() }
    sources += [status.writeRaw, lifeline.readRaw, file.raw, command.executable.raw]
    targets += [LAUNCH_FD_STATUS, LAUNCH_FD_LIFELINE, LAUNCH_FD_DESCRIPTION, LAUNCH_FD_EXECUTABLE]
      .map { Int32($0) }
    let (pid, pidfd) = try spawn(path, sources: sources, targets: targets)
    _ = clinux_set_nonblocking(status.readRaw, 1)
    return SandboxedProcess(
      name: command.name, layers: command.policy.wantedLayers, pid: pid,
      pidfd: OwnedDescriptor(adopting: pidfd), status: status.takeReadEnd(),
      lifeline: lifeline.takeWriteEnd())
  }

  /// Everything the launcher has reported since the last call; never blocks.
  ///
  /// If the launcher ends without having reported how the program ended, ``SandboxEvent/failed``
  /// says so.
  package func readEvents() -> [SandboxEvent] {
    drain()
    defer { pending = [] }
    if pending.contains(where: \.isLast) { hasEnded = true }
    return pending
  }

  /// Lets go of the lifeline: the launcher kills the program and everything it started.
  ///
  /// Returns at once; ``SandboxEvent/exited`` follows.
  package func terminate() {
    guard let descriptor = lifeline else { return }
    lifeline = nil
    _ = clinux_close(descriptor)
  }

  /// Waits until the program and its launcher have ended.
  ///
  /// After `deadline` the lifeline is let go of; if that does not help within two seconds, the
  /// launcher is killed, and the kernel kills the program with it.
  ///
  /// - Returns: How the program ended; `nil` if unknown.
  package func reap(deadline: MonotonicTime) -> ExitStatus? {
    if !isReaped && !waitForLauncher(until: deadline) {
      terminate()
      if !waitForLauncher(until: MonotonicTime.now.advanced(bySeconds: 2)) {
        _ = clinux_pidfd_signal(pidfd.raw, SIGKILL)
        _ = waitForLauncher(until: MonotonicTime.now.advanced(bySeconds: 5))
      }
    }
    drain()
    return exit
  }
}

extension SandboxedProcess {
  /// The launcher puts two descriptors where its program can have none.
  private static func requireDescriptors() throws(SandboxError) {
    let (limit, needed) = (descriptorLimit(), Int(LAUNCH_FD_CONTROL) + 1)
    guard limit >= needed else {
      throw .descriptorLimit(limit, needed: (needed + 1023) & ~1023)
    }
  }

  private static func spawn(
    _ path: String, sources: [Int32], targets: [Int32]
  ) throws(SandboxError) -> (pid: Int32, pidfd: Int32) {
    var pid: Int32 = 0
    let result = unsafe path.withCString { name in
      var arguments: [UnsafeMutablePointer<CChar>?] = unsafe [
        UnsafeMutablePointer(mutating: name), nil,
      ]
      var environment: [UnsafeMutablePointer<CChar>?] = unsafe [nil]
      return unsafe clinux_spawn(
        name, &arguments, &environment, sources, targets, sources.count, &pid)
    }
    if result < 0 {
      let access = ProgramAccess(path: path)
      if access != .runs { throw .cannotRun(path: path, access) }
    }
    return try system { () throws(SystemCallError) in
      try check(result, .spawn, path)
      let pidfd = clinux_pidfd_open(pid)
      // Without a pidfd nobody could wait for it; its lifeline closes when the caller returns.
      return (pid, try check(pidfd, .pidfdOpen, path))
    }
  }

  private func drain() {
    while !isEnded {
      switch readReport(from: status.raw) {
      case .nothingYet: return
      case .end:
        isEnded = true
        pending.append(.failed(step: "launcher", code: ECHILD))
      case .report(let report):
        guard let event = SandboxEvent(report, wanted: policyLayers) else { continue }
        pending.append(event)
        landlockVersion = max(landlockVersion, Int(report.landlock_version))
        if case .exited(let status, _, _) = event { exit = status }
        isEnded = event.isLast
      }
    }
  }

  /// Waits for the launcher's end and reaps it.
  private func waitForLauncher(until deadline: MonotonicTime) -> Bool {
    var poller = Poller()
    poller.add(pidfd.raw, .readable)
    while true {
      var code: Int32 = 0
      var isSignal: Int32 = 0
      if unsafe clinux_reap(pid, &code, &isSignal) != 0 {
        isReaped = true
        return true
      }
      let left = deadline.seconds(since: .now)
      if left <= 0 { return false }
      _ = try? poller.wait(seconds: left)
    }
  }
}
