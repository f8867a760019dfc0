internal import ArgumentParser
internal import Coordinator
internal import Glibc
internal import PluginHost
internal import Sandbox
internal import System

/// Options of every verb.
struct CommonOptions: ParsableArguments {
  @Option(
    name: .customLong("plugin-path"),
    help: ArgumentHelp("Look for plugins here first (repeatable).", valueName: "dir"))
  var pluginPath: [String] = []

  @Flag(help: "Say nothing but errors.")
  var quiet = false

  @Flag(help: "Write one JSON object per event to standard output.")
  var json = false

  /// Where plugins and helpers of this installation lie.
  func places() -> PluginPlaces {
    let executable = (try? realPath("/proc/self/exe")) ?? "/usr/bin/sluice"
    let environment = unsafe getenv("SLUICE_PLUGIN_PATH").map { unsafe String(cString: $0) }
    return PluginPlaces(executable: executable, extra: pluginPath, environment: environment)
  }

  func surroundings(_ sandbox: SandboxMode, _ printer: EventPrinter) -> Surroundings {
    Surroundings(places: places(), sandbox: sandbox) { printer.show($0) }
  }
}

/// How hard a missing layer of the sandbox is taken.
struct SandboxOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "auto: use what the kernel has and name what it lacks; strict: refuse instead.",
      valueName: "auto|strict"))
  var sandbox = SandboxMode.auto
}

extension SandboxMode: ExpressibleByArgument {}

/// Runs a verb's blocking work on a thread of its own, as ``performAsync(_:_:)`` does.
func perform<Result: Sendable>(
  _ printer: EventPrinter,
  _ body: @escaping @Sendable (StopSignal) throws(JobError) -> Result
) async throws -> Result {
  try await performAsync(printer) { stop async throws(JobError) in
    try await blocking(named: "sluice-job") { () throws(JobError) in try body(stop) }
  }
}

/// Runs a verb's work with signals, progress and errors looked after.
///
/// The first SIGINT or SIGTERM ends the job in order, the second at once: what has not ended some
/// seconds later is left to those who watch us, the plugins' monitors and a guest's watchdog.
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
    printer.fail(JobError(.system, doing: "starting", error.description))
    throw ExitCode(CommandStatus.system.rawValue)
  }
}

/// Seconds between the second signal and the end of the program, whatever hangs: a take-down has
/// five, and a plugin is killed at once.
private let urgentSeconds: UInt32 = 8

private func endSoon() {
  try? WorkerThread(name: "sluice-urgent") {
    sleep(urgentSeconds)
    write("sluice: stopped; something did not end in time", to: 2)
    _exit(CommandStatus.interrupted.rawValue)
  }.detach()
}
