internal import CLinux
internal import Glibc
internal import JSON
internal import JobSupport
internal import MachineStart
internal import QEMUControl
internal import Requests
internal import System

/// Runs the script of a restored machine, and waits until its guest runs.
///
/// The machine is a process of its own, which this one leaves behind.
struct MachineStarter {
  static let logName = "qemu.log"
  /// Seconds until the guest must run: memory is read from the disk first.
  static let secondsMax = 600.0
  /// Lines of QEMU's that an error shows.
  private static let lastLinesMax = 20

  let directory: String
  let script: StartScript.Kind
  /// The guest ran when it was backed up.
  let ran: Bool
  let stop: StopSignal
  let events: EventSink

  func run() async throws(JobError) {
    let starting = "start the machine in \(directory)"
    let process: StartedProcess
    do throws(SystemCallError) {
      process = try StartedProcess(try realPath(directory), script, log: Self.logName)
    } catch {
      throw JobError(error, cannot: starting)
    }
    let deadline = MonotonicTime.now.advanced(bySeconds: Self.secondsMax)
    while true {
      if let status = process.end() { throw failure("QEMU has ended (\(status))", process) }
      if let state = await process.state(), !waited.contains(state) {
        return try tell(state, process)
      }
      if stop.isRequested {
        process.kill()
        throw JobError(.interrupted, "interrupted; the machine was restored, and is not running")
      }
      guard MonotonicTime.now < deadline else {
        process.kill()
        throw failure("it did not run within \(Int(Self.secondsMax)) s", process)
      }
      try? await Task.sleep(for: .milliseconds(20))
    }
  }

  /// States on the way to the one that the guest had.
  private var waited: Set<String> {
    script == .resume && ran ? ["inmigrate", "prelaunch", "paused"] : ["inmigrate", "prelaunch"]
  }

  /// - Parameter state: Of the guest; one that was paused when it was backed up is again.
  private func tell(_ state: String, _ process: borrowing StartedProcess) throws(JobError) {
    guard state == "running" || state == "paused" else {
      process.kill()
      throw failure("the guest's state is \(cleaned(state))", process)
    }
    let socket = absolutePath("\(directory)/\(StartScript.socketName)")
    events(
      .guest(
        GuestStep(
          "machine-started",
          "the machine is \(state): process \(process.pid), QMP socket \(socket)",
          [
            "process": JSONValue(process.pid), "socket": .string(socket),
            "state": .string(cleaned(state)),
          ])))
  }

  private func failure(_ what: String, _ process: borrowing StartedProcess) -> JobError {
    let path = "\(directory)/\(Self.logName)"
    let lines = (try? readSmallFile(path, limit: 1 << 20)).map { sanitisedLines($0) } ?? []
    return JobError(
      .unavailable, cannot: "start the machine in \(directory)", "\(what); see \(path)",
      hint: .text("it is restored; run \(directory)/\(script) when the cause is removed"),
      lastLines: Array(lines.suffix(Self.lastLinesMax)))
  }
}

/// The process of a script, which becomes QEMU.
struct StartedProcess: ~Copyable {
  let pid: Int32
  private let directory: OwnedDescriptor
  private let pidfd: OwnedDescriptor

  /// - Parameter path: The script's directory, absolute.
  init(_ path: String, _ script: StartScript.Kind, log: String) throws(SystemCallError) {
    let opened = try openFile(path, flags: O_RDONLY | O_DIRECTORY)
    let null = try openFile("/dev/null", flags: O_RDONLY)
    let words = try openFile(
      log, in: opened.raw, flags: O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, mode: 0o600)
    let pid = try Self.spawn(
      ["/bin/sh", "\(path)/\(script)"], [(null.raw, 0), (words.raw, 1), (words.raw, 2)])
    pidfd = OwnedDescriptor(adopting: try check(clinux_pidfd_open(pid), .pidfdOpen, path))
    directory = opened
    self.pid = pid
  }

  private static func spawn(
    _ arguments: [String], _ table: [(source: Int32, target: Int32)]
  ) throws(SystemCallError) -> Int32 {
    var kept = ["PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C"]
    if let program = unsafe getenv("QEMU") {
      kept.append(unsafe "QEMU=" + nameText(cString: program))
    }
    var argv = unsafe arguments.map { unsafe strdup($0) } + [nil]
    var environment = unsafe kept.map { unsafe strdup($0) } + [nil]
    defer { unsafe (argv + environment).forEach { unsafe free($0) } }
    var pid: pid_t = 0
    let result = unsafe clinux_spawn(
      arguments[0], &argv, &environment, table.map(\.source), table.map(\.target), table.count,
      &pid)
    try check(result, .spawn, arguments[1])
    return pid
  }

  /// How it has ended; `nil` while it runs.
  func end() -> String? {
    var (status, isSignal) = (Int32(0), Int32(0))
    guard unsafe clinux_reap(pid, &status, &isSignal) == 1 else { return nil }
    return isSignal != 0 ? "signal \(status)" : "exit status \(status)"
  }

  func kill() { _ = clinux_pidfd_signal(pidfd.raw, SIGKILL) }

  /// What QEMU says of the guest; `nil` as long as it does not answer.
  func state() async -> String? {
    // Through the descriptor, because the name of a socket has at most 107 bytes.
    let path = "/proc/self/fd/\(directory.raw)/\(StartScript.socketName)"
    do throws(QMPError) {
      let client = try await QMPClient.connect(path: path, greetingSeconds: 5)
      defer { client.close() }
      return try await client.execute("query-status", seconds: 10)["status"]?.string
    } catch { return nil }
  }
}
