internal import ArgumentParser
internal import JobSupport
internal import PluginHost
internal import System

/// Where everything is told that is said to plugins, and that they say.
struct TraceOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Write every frame to and from plugins into a new file, in words", valueName: "file"))
  var trace: String?

  /// Makes the file, if one is wanted.
  ///
  /// - Throws: `ExitCode` if it cannot be made; that has been shown then.
  func open(_ printer: EventPrinter) throws(ExitCode) -> FrameTrace? {
    guard let trace else { return nil }
    do throws(SystemCallError) { return try FrameTrace(creating: trace) } catch {
      let cause = errnoName(error.code) == "EEXIST" ? PublishingError.exists(trace) : .system(error)
      let failure = JobError(cause, cannot: "create \(trace)")
      printer.fail(failure)
      throw ExitCode(failure.status.rawValue)
    }
  }
}
