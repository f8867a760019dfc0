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
    try printer.making(trace) { path throws(SystemCallError) in try FrameTrace(creating: path) }
  }
}

/// Who hears what a command and its plugins say to each other.
struct ListeningOptions: ParsableArguments {
  @OptionGroup var trace: TraceOption
  @OptionGroup var verbose: VerboseOption

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
    listeners.trace = try trace.open(printer)
    let hasContents = hasContents
    listeners.recorder = try printer.making(recording) { path throws(SystemCallError) in
      try SessionRecorder(
        creating: path, by: "sluice \(ownVersion)", hasContents: hasContents)
    }
    if verbose.verbose { listeners.lines = { printer.show(.said($0)) } }
    return listeners
  }
}

extension EventPrinter {
  /// Makes a file that the user wants; shows why it cannot be made.
  fileprivate func making<File>(
    _ path: String?, _ body: (String) throws(SystemCallError) -> File
  ) throws(ExitCode) -> File? {
    guard let path else { return nil }
    do throws(SystemCallError) { return try body(path) } catch {
      let cause = errnoName(error.code) == "EEXIST" ? PublishingError.exists(path) : .system(error)
      let failure = JobError(cause, cannot: "create \(path)")
      fail(failure)
      throw ExitCode(failure.status.rawValue)
    }
  }
}
