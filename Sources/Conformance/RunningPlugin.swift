internal import BackupProtocol
internal import CLinux
internal import Glibc
internal import PluginHost
internal import Sandbox
internal import System

/// A plugin's process, in its sandbox or without, and our ends of its pipes.
final class RunningPlugin {
  private enum Way {
    case sandboxed(SandboxedProcess)
    case plain(pid: Int32, pidfd: Int32)
  }

  /// Channels 3 and 4, and the text of 1 and 2.
  var toPlugin: OwnedDescriptor?
  var fromPlugin: OwnedDescriptor?
  let texts: [TextPipe]
  private let way: Way
  /// Keeps the descriptor of a plain process open.
  private let pidfd: OwnedDescriptor?
  /// The call that its sandbox denied, if one was.
  private(set) var denial: String?
  private var failure: String?
  private var isKilled = false
  private(set) var end: ExitStatus? {
    didSet { if oldValue == nil, let end { ears?.hear(process: "ended with \(end)") } }
  }
  /// Of its processor time, once it has ended.
  private(set) var cpuSeconds = 0.0
  /// Hears what becomes of it.
  var ears: SessionEars?

  /// - Parameters:
  ///   - grants: Channels 5 and 6, and the scratch file.
  ///   - withoutPool: Channel 5 is not there.
  init(
    _ bench: CaseBench, _ setup: CaseSetup, grants: consuming PluginGrants, withoutPool: Bool
  ) throws {
    var input = try Pipe()
    var output = try Pipe()
    var first = try Pipe()
    var second = try Pipe()
    let null = try openFile("/dev/null", flags: O_RDONLY)
    var descriptors: [(source: Int32, target: Int32)] = [
      (null.raw, 0), (first.writeRaw, 1), (second.writeRaw, 2), (input.readRaw, 3),
      (output.writeRaw, 4), (grants.archive.raw, 6),
    ]
    if !withoutPool { descriptors.append((grants.pool.raw, 5)) }
    if let raw = grants.scratchRaw { descriptors.append((raw, ScratchFile.descriptor)) }
    if setup.isSlow {
      _ = clinux_set_pipe_capacity(input.readRaw, 4096)
      _ = clinux_set_pipe_capacity(output.readRaw, 4096)
    }
    let program = try PluginProgram(bench.plugin, launcher: bench.launcher)
    let policy = try SandboxPolicy.plugin(
      bench.plugin.manifest, script: program.script, grants: grants)
    let arguments = program.arguments
    // The policy stands on a script's folder.
    defer { withExtendedLifetime(program) {} }
    let executable = OwnedDescriptor(
      adopting: try check(
        clinux_duplicate(program.executable.raw), .duplicate, bench.plugin.executable))
    let command = PluginProcess.command(
      executable, arguments, label: bench.plugin.manifest.name, descriptors: descriptors,
      policy: policy, mode: bench.sandbox ?? .auto, variables: setup.variables)
    if bench.sandbox == nil {
      let pid = try Self.spawn(arguments[0], command)
      let opened = OwnedDescriptor(
        adopting: try check(clinux_pidfd_open(pid), .pidfdOpen, "a plugin"))
      way = .plain(pid: pid, pidfd: opened.raw)
      pidfd = consume opened
    } else {
      way = .sandboxed(try SandboxedProcess.launch(command, launcher: bench.launcher))
      pidfd = nil
    }
    let writeEnd = input.takeWriteEnd()
    try writeEnd.setNonblocking()
    toPlugin = consume writeEnd
    let readEnd = output.takeReadEnd()
    try readEnd.setNonblocking()
    fromPlugin = consume readEnd
    texts = [try TextPipe(first.takeReadEnd()), try TextPipe(second.takeReadEnd())]
  }

  deinit {
    guard end == nil else { return }
    kill()
    _ = hasEnded(within: 5)
  }

  /// What is readable when something is known of the process's end.
  var endDescriptor: Int32 {
    switch way {
    case .sandboxed(let process): process.statusDescriptor
    case .plain(_, let pidfd): pidfd
    }
  }

  /// Kills it and all that it started.
  func kill() {
    isKilled = true
    switch way {
    case .sandboxed(let process): process.terminate()
    case .plain(_, let pidfd): _ = clinux_pidfd_signal(pidfd, SIGKILL)
    }
  }

  /// Takes what there is to know.
  ///
  /// - Throws: ``BenchError`` if it was never started.
  func look() throws(BenchError) {
    switch way {
    case .sandboxed(let process): look(process.readEvents())
    case .plain(let pid, _): look(pid)
    }
    if let failure { throw .notStarted(failure) }
  }

  /// Waits for its end.
  ///
  /// - Returns: Whether it has ended.
  func hasEnded(within seconds: Double) -> Bool {
    let deadline = MonotonicTime.now.advanced(bySeconds: seconds)
    while true {
      try? look()
      if end != nil || failure != nil { return true }
      let left = deadline.seconds(since: .now)
      if left <= 0 { return false }
      var poller = Poller()
      poller.add(endDescriptor, .readable)
      _ = try? poller.wait(seconds: left)
    }
  }

  private func look(_ events: [SandboxEvent]) {
    for event in events {
      switch event {
      case .started: continue
      case .denied:
        denial = event.denialText(of: "the plugin")
        ears?.hear(process: denial ?? "")
      case .failed(let step, let code):
        // Whoever is killed while its sandbox is being built was never started, and has ended.
        if isKilled {
          end = end ?? .signal(SIGKILL)
        } else if end == nil {
          failure = "\(step): \(errnoText(code))"
        }
      case .exited(let status, let seconds, _): (end, cpuSeconds) = (status, seconds)
      }
    }
  }

  private func look(_ pid: Int32) {
    guard end == nil else { return }
    var (status, isSignal, nanoseconds): (Int32, Int32, UInt64) = (0, 0, 0)
    guard unsafe clinux_reap_used(pid, &status, &isSignal, &nanoseconds) == 1 else { return }
    cpuSeconds = Double(nanoseconds) / 1e9
    end = isSignal != 0 ? .signal(status) : .code(status)
  }

  private static func spawn(
    _ path: String, _ command: borrowing SandboxCommand
  ) throws(SystemCallError) -> Int32 {
    let words = unsafe command.arguments.map { unsafe strdup($0) }
    let variables = unsafe command.environment.map { unsafe strdup($0) }
    defer {
      for place in unsafe words.indices { unsafe free(words[place]) }
      for place in unsafe variables.indices { unsafe free(variables[place]) }
    }
    var (argv, envp) = unsafe (words + [nil], variables + [nil])
    let sources = command.descriptors.map(\.source)
    let targets = command.descriptors.map(\.target)
    var pid: pid_t = 0
    try check(
      unsafe clinux_spawn(path, &argv, &envp, sources, targets, sources.count, &pid), .spawn, path)
    return pid
  }
}

/// Our end of channel 1 or 2.
final class TextPipe: Sendable {
  private let descriptor: OwnedDescriptor
  var raw: Int32 { descriptor.raw }

  init(_ descriptor: consuming OwnedDescriptor) throws(SystemCallError) {
    try descriptor.setNonblocking()
    self.descriptor = descriptor
  }
}

/// Why a plugin could not be tried at all.
package enum BenchError: Error, Equatable, Sendable, CustomStringConvertible {
  /// It was not started, and why.
  case notStarted(String)
  /// The user called the check off.
  case interrupted

  package var description: String {
    switch self {
    case .notStarted(let reason): "the plugin cannot be started: \(reason)"
    case .interrupted: "interrupted"
    }
  }
}
