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

  /// Set by `sluice plugin record` alone.
  @Option(name: .customLong(PluginRecord.fileOption), help: .private)
  var recording: String?

  @Flag(name: .customLong(PluginRecord.contentsFlag), help: .private)
  var hasContents = false

  /// Makes the files that are wanted.
  ///
  /// - Throws: `ExitCode` if one cannot be made; that has been shown then.
  func open(_ printer: EventPrinter) throws(ExitCode) -> SessionListeners {
    var listeners = SessionListeners()
    listeners.trace = try make(trace, printer) { path throws(SystemCallError) in
      try FrameTrace(creating: path)
    }
    let hasContents = hasContents
    listeners.recorder = try make(recording, printer) { path throws(SystemCallError) in
      try SessionRecorder(
        creating: path, by: "sluice \(ownVersion)", hasContents: hasContents)
    }
    return listeners
  }

  private func make<File>(
    _ path: String?, _ printer: EventPrinter, _ body: (String) throws(SystemCallError) -> File
  ) throws(ExitCode) -> File? {
    guard let path else { return nil }
    do throws(SystemCallError) { return try body(path) } catch {
      let cause = errnoName(error.code) == "EEXIST" ? PublishingError.exists(path) : .system(error)
      let failure = JobError(cause, cannot: "create \(path)")
      printer.fail(failure)
      throw ExitCode(failure.status.rawValue)
    }
  }
}
