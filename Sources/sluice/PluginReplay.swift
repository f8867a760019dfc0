internal import ArgumentParser
internal import Conformance
internal import JSON
internal import JobSupport
internal import PluginHost
internal import Requests
internal import System

/// `sluice plugin replay`
struct PluginReplay: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Play a recording to a plugin, and compare what it says",
    usage: "sluice plugin replay [<options>] <file> <plugin>",
    discussion: """
      Tells the plugin what the recording says that it heard, without QEMU, and shows the first \
      thing that it says otherwise than then. For what disks hold, if the recording leaves that \
      out, other bytes are made up. What the plugin writes goes to --scratch-dir meanwhile; a \
      session of reading needs the --archive. Exit status: 76 if something is not as recorded.

      Examples:
        sluice plugin replay fault.rec ./my-plugin.json
        sluice plugin replay fault.rec ./my-plugin --archive broken.vma --session 2
      """)

  @Argument(help: "Recording, as 'sluice plugin record' makes it")
  var file: String

  @Argument(help: "Manifest, executable beside its manifest, or directory with one")
  var plugin: String

  @Option(help: "Which session of the recording, as 'sluice plugin dump' numbers them")
  var session = 1

  @Option(help: ArgumentHelp("Archive that is read", valueName: "path"))
  var archive: String?

  @OptionGroup var trial: TrialOptions

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard session > 0 else { throw ValidationError("--session must be at least 1") }
  }

  func run() async throws {
    let printer = EventPrinter(common)
    let places = common.places()
    let (file, path) = (file, plugin)
    let played: Replay
    do throws(PluginSearchError) {
      let plugin = try InstalledPlugin.find(path, places: places.places, host: ownVersion)
      played = Replay(
        file, session: session, plugin: plugin, launcher: places.launcher,
        sandbox: trial.sandbox.mode,
        directory: trial.scratchDirectory, archive: archive)
    } catch {
      printer.fail(JobError(.noInput, error.description))
      throw ExitCode(CommandStatus.noInput.rawValue)
    }
    let outcome = try await perform(printer) { stop throws(JobError) in
      do throws(ReplayError) { return try played.run(stop: stop) } catch {
        throw error.told(of: file)
      }
    }
    try tell(outcome, printer)
  }

  private func tell(_ outcome: Replay.Outcome, _ printer: EventPrinter) throws {
    printer.say(outcome.json)
    guard let difference = outcome.difference else {
      let note = outcome.isFilled ? "; what disks hold was made up" : ""
      return printer.say(
        "\(file): \(outcome.toPlugin) frames to the plugin, \(outcome.toHost) from it, as recorded"
          + note)
    }
    printer.fail(
      JobError(
        .protocol,
        "\(file), line \(difference.line): recorded \(difference.recorded); now: \(difference.seen)"
      )
    )
    throw ExitCode(CommandStatus.protocol.rawValue)
  }
}

extension Replay.Outcome {
  fileprivate var json: JSONValue {
    var object: JSONObject = [
      "schema": 1, "event": "replayed", "to_plugin": JSONValue(toPlugin),
      "to_host": JSONValue(toHost), "made_up": .bool(isFilled),
    ]
    if let difference {
      object["line"] = JSONValue(difference.line)
      object["recorded"] = .string(difference.recorded)
      object["seen"] = .string(difference.seen)
    }
    return .object(object)
  }
}

extension ReplayError {
  /// What it means for who wanted to play a recording.
  fileprivate func told(of path: String) -> JobError {
    switch self {
    case .recording(let error): error.told(of: path)
    case .noSession(let number): JobError(.noInput, "\(path) has no session \(number)")
    case .noJob: JobError(.noInput, "\(path) ends before the plugin got a job in that session")
    case .otherFormat(let name): JobError(.unavailable, "the plugin has no format \"\(name)\"")
    case .needsArchive:
      JobError(.usage, "the session reads an archive: name it with --archive")
    case .noFrame(let line): JobError(.badData, "\(path) is damaged: line \(line) has no frame")
    case .changed(let line):
      JobError(.badData, "\(path) was changed: line \(line) does not have its checksum")
    case .notStarted(let reason):
      JobError(.unavailable, "the recording cannot be played: \(reason)")
    }
  }
}
