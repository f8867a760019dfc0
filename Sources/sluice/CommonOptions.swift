internal import ArgumentParser
internal import Glibc
internal import JobSupport
internal import PluginHost
internal import Requests
internal import Sandbox
internal import System

/// Options of every verb.
struct CommonOptions: ParsableArguments {
  @Option(
    name: .customLong("plugin-path"),
    help: ArgumentHelp(
      "Directory to search for plugins first, or one manifest (repeatable)", valueName: "path"))
  var pluginPath: [String] = []

  @Flag(help: "Print errors only")
  var quiet = false

  @Flag(help: "Print JSON to standard output, one object per line")
  var json = false

  /// Where plugins and helpers of this installation are.
  func places() -> PluginPlaces {
    let executable = (try? realPath("/proc/self/exe")) ?? "/usr/bin/sluice"
    let environment = unsafe getenv("SLUICE_PLUGIN_PATH").map { unsafe nameText(cString: $0) }
    return PluginPlaces(executable: executable, extra: pluginPath, environment: environment)
  }

  func surroundings(_ sandbox: SandboxMode, _ printer: EventPrinter) -> Surroundings {
    Surroundings(places: places(), sandbox: sandbox) { printer.show($0) }
  }
}

/// What to do without a layer of the sandbox.
struct SandboxOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "auto: warn of sandbox layers that the kernel lacks; strict: refuse to run without them",
      valueName: "auto|strict"))
  var sandbox = SandboxMode.auto
}

extension SandboxMode: ExpressibleByArgument {}

extension EventPrinter {
  /// Runs `body`; shows why the request is refused.
  func refusing<Request>(
    _ body: () throws(RequestError) -> Request
  ) throws(ExitCode) -> Request {
    do throws(RequestError) { return try body() } catch {
      fail(JobError(error))
      throw ExitCode(CommandStatus.usage.rawValue)
    }
  }
}

/// Runs a verb's blocking work on a thread of its own, as ``performAsync(_:_:)`` does.
func perform<Result: Sendable>(
  _ printer: EventPrinter,
  _ body: @escaping @Sendable (StopSignal) throws(JobError) -> Result
) async throws -> Result {
  try await performAsync(printer) { stop async throws(JobError) in
    try await blocking(named: "sluice-job") { () throws(JobError) in try body(stop) }
  }
}

/// Runs a verb's work; handles signals, progress and errors.
///
/// The first SIGINT or SIGTERM shuts the job down cleanly, the second at once: what is still
/// running some seconds later is left to the plugins' monitors and a guest's watchdog.
func performAsync<Result: Sendable>(
  _ printer: EventPrinter,
  _ body: (StopSignal) async throws(JobError) -> Result
) async throws -> Result {
  do {
    let stop = try StopSignal()
    try JobSignals.take {
      stop.request()
      if stop.isUrgent { endSoon() }
    }
    let drawing = printer.startDrawing()
    let outcome: Swift.Result<Result, JobError>
    do throws(JobError) { outcome = .success(try await body(stop)) } catch {
      outcome = .failure(error)
    }
    await printer.stopDrawing(drawing)
    return try outcome.get()
  } catch let error as JobError {
    printer.fail(error)
    throw ExitCode(error.status.rawValue)
  } catch let error as SystemCallError {
    printer.fail(JobError(.system, cannot: "start", error.description))
    throw ExitCode(CommandStatus.system.rawValue)
  }
}

/// Seconds between the second signal and the exit, whatever hangs: a take-down has five, and a
/// plugin is killed at once.
private let urgentSeconds: UInt32 = 8

private func endSoon() {
  try? WorkerThread(name: "sluice-urgent") {
    sleep(urgentSeconds)
    write("sluice: aborted: a plugin or QEMU did not stop in time", to: 2)
    _exit(CommandStatus.interrupted.rawValue)
  }.detach()
}
