internal import ArgumentParser
internal import BackupProtocol
internal import Conformance
internal import JSON
internal import JobSupport
internal import PluginHost
internal import Requests
internal import System

/// `sluice plugin check`
struct PluginCheck: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Try a plugin with all that protocol.md demands of it",
    usage: "sluice plugin check [<options>] <path>",
    discussion: """
      Drives the plugin as a host does, case by case, in its sandbox. Each case names the clauses \
      of protocol.md that it proves, and what to do when it fails. Levels that the manifest does \
      not declare do not apply. Archives go to --scratch-dir meanwhile. Exit status: 76 if a case \
      failed, 69 if the plugin cannot be started, 66 if there is none.

      Examples:
        sluice plugin check ./my-plugin.json
        sluice plugin check --case core.info --case core.archive ./my-plugin
        sluice plugin check --list
      """)

  @Argument(help: "Manifest, executable beside its manifest, or directory with one")
  var path: String?

  @Option(
    help: ArgumentHelp(
      "Try one level only (repeatable)",
      valueName: "level"))
  var level: [ConformanceLevel] = []

  @Option(
    name: .customLong("case"),
    help: ArgumentHelp("Try one case only (repeatable)", valueName: "id"))
  var cases: [String] = []

  @Flag(help: "List the cases, each with its clauses, and try none")
  var list = false

  @Option(help: ArgumentHelp("Format of the result", valueName: "tap|junit"))
  var format = CheckFormat.tap

  @OptionGroup var trial: TrialOptions

  @OptionGroup var trace: TraceOption

  @OptionGroup var verbose: VerboseOption

  @OptionGroup var common: CommonOptions

  func validate() throws {
    try verbose.check(common)
    guard list || path != nil else { throw ValidationError("missing expected argument '<path>'") }
    for id in cases where !ConformanceCase.all.contains(where: { $0.id == id }) {
      throw ValidationError("there is no case '\(id)'; --list shows all")
    }
  }

  func run() async throws {
    let printer = EventPrinter(common)
    guard let path, !list else { return showList(printer) }
    let check = try check(path, printer)
    guard !check.trials.isEmpty else {
      throw ValidationError("none of the cases that --case names is of a level that --level names")
    }
    let surroundings = TrialSurroundings(trial, common)
    let (format, trace) = (format, try trace.open(printer))
    let results = try await perform(printer) { stop throws(JobError) in
      try surroundings.check(printer)
      if format == .tap { TAPReport.head(check.trials.count).forEach { printer.say($0) } }
      do throws(SystemCallError) {
        return try check.run(stop: stop) { result in
          printer.say(result.json)
          if format == .tap {
            for line in TAPReport.lines(result) { printer.say(line, evenIfQuiet: result.isBad) }
          }
          result.tellTranscript(trace, printer)
        }
      } catch { throw JobError(error, cannot: "start the check") }
    }
    if results.count < check.trials.count { throw ExitCode(CommandStatus.interrupted.rawValue) }
    conclude(results, check, printer)
    try judge(ConformanceSummary(results), check.plugin.manifest.name, printer)
  }

  private func judge(
    _ summary: ConformanceSummary, _ name: String, _ printer: EventPrinter
  ) throws {
    let (failed, untried) = (summary.failed, summary.untried)
    let all = failed + untried + summary.passed
    if failed > 0 {
      let text = "plugin \"\(name)\" failed \(failed) of \(all) cases"
      throw printer.failure(JobError(.protocol, text))
    }
    guard untried > 0 else { return }
    let text = "\(untried) of \(all) cases could not be tried with plugin \"\(name)\""
    throw printer.failure(JobError(.unavailable, text))
  }

  private func check(_ path: String, _ printer: EventPrinter) throws -> ConformanceCheck {
    let places = common.places()
    do throws(PluginSearchError) {
      let plugin = try InstalledPlugin.find(path, places: places.places, host: ownVersion)
      return ConformanceCheck(
        plugin, launcher: places.launcher, sandbox: trial.sandbox.mode,
        directory: trial.scratchDirectory,
        levels: Set(level), ids: Set(cases), keeps: keeps)
    } catch {
      let status: CommandStatus = if case .program = error { .unavailable } else { .noInput }
      throw printer.failure(JobError(status, error.description))
    }
  }

  private var keeps: CaseTranscript.Contents {
    var keeps: CaseTranscript.Contents = []
    if trace.trace != nil { keeps.insert(.frames) }
    if verbose.verbose { keeps.insert(.lines) }
    return keeps
  }

  private func conclude(
    _ results: [CaseResult], _ check: ConformanceCheck, _ printer: EventPrinter
  ) {
    let lines =
      format == .tap
      ? TAPReport.tail(ConformanceSummary(results))
      : JUnitReport.lines(results, plugin: check.plugin.manifest.name)
    for line in lines { printer.say(line) }
  }

  private func showList(_ printer: EventPrinter) {
    for one in ConformanceCase.all
    where (level.isEmpty || level.contains(one.level)) && (cases.isEmpty || cases.contains(one.id))
    {
      printer.say(one.json)
      printer.say("\(one.id) \(one.citations) \(one.does)")
    }
  }
}

extension ConformanceLevel: ExpressibleByArgument {}

/// How results are written.
enum CheckFormat: String, ExpressibleByArgument { case tap, junit }

extension CaseResult {
  /// Tells what was said in its sessions: frames to the trace, the plugin's own words to the user.
  fileprivate func tellTranscript(_ trace: FrameTrace?, _ printer: EventPrinter) {
    guard let transcript else { return }
    let leftOut = transcript.leftOutCount
    trace?.write(heading)
    for line in transcript.frames { trace?.take(line) }
    for line in transcript.lines { printer.show(.said(line)) }
    guard leftOut > 0 else { return }
    trace?.write("\(trial.trial.id): \(leftOut) lines more are left out")
    printer.show(.warning("\(trial.trial.id): \(leftOut) lines more of its sessions are left out"))
  }

  /// What its part of a trace begins with.
  private var heading: String {
    let verdict =
      switch outcome {
      case .passed: "passed"
      case .skipped(let reason): "not applicable: \(reason)"
      case .failed(let clause, let message): "failed [\(clause)]: \(message)"
      case .untried(let message): "not tried: \(message)"
      }
    let subject = trial.subject.isEmpty ? "" : " (\(trial.subject))"
    return sanitised("\(trial.trial.id)\(subject) \(trial.trial.citations): \(verdict)".utf8)
  }
}

// For tools

extension ConformanceCase {
  /// A case that was not tried.
  fileprivate var json: JSONValue { .object(head) }

  fileprivate var head: JSONObject {
    [
      "schema": 1, "event": "case", "case": .string(id), "level": .string(level.rawValue),
      "clauses": JSONValue(clauses), "does": .string(does),
    ]
  }
}

extension CaseResult {
  /// The event of one result.
  fileprivate var json: JSONValue {
    var object = trial.trial.head
    if !trial.subject.isEmpty { object["subject"] = .string(trial.subject) }
    object["seconds"] = .real(Double(Int(seconds * 1000)) / 1000)
    switch outcome {
    case .passed: object["result"] = "pass"
    case .skipped(let reason):
      object["result"] = "skip"
      object["message"] = .string(reason)
    case .failed(let clause, let message):
      object["result"] = "fail"
      object["clause"] = .string(clause)
      object["message"] = .string(message)
      object["hint"] = .string(trial.trial.remedy)
    case .untried(let message):
      object["result"] = "error"
      object["message"] = .string(message)
    }
    return .object(object)
  }
}
