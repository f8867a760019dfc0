internal import ArgumentParser
internal import BackupProtocol
internal import Conformance
internal import JSON
internal import JobSupport
internal import PluginHost
internal import Requests
internal import System

/// `sluice plugin bench`
struct PluginBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measure how fast a plugin writes, and what limits it",
    usage: "sluice plugin bench [<options>] <path>",
    discussion: """
      Drives the plugin as a host does, in its sandbox, with a disk that costs nothing to read: \
      through slots of 64 KiB and 1 MiB of the shared memory, and inline through the pipe. Beside \
      it runs a plugin that writes nothing, which shows what host and protocol alone allow. The \
      data does not compress. Archives go to --scratch-dir meanwhile, one at a time. Numbers mean \
      something on a quiet machine only.

      Examples:
        sluice plugin bench ./my-plugin.json
        sluice plugin bench --size 4G --rounds 9 --scratch-dir /backup ./my-plugin
      """)

  @Argument(help: "Manifest, executable beside its manifest, or directory with one")
  var path: String

  @Option(help: ArgumentHelp("Bytes of the disk, 1M to 16T; 1G without it", valueName: "bytes"))
  var size: ByteCount?

  @Option(help: ArgumentHelp("Runs of each kind, 1 to 99; the median counts", valueName: "number"))
  var rounds = 3

  @Option(help: ArgumentHelp("Measure one way only (repeatable)", valueName: "way"))
  var way: [SpeedWay] = []

  @Option(
    name: .customLong("only"),
    help: ArgumentHelp("Measure one format only (repeatable)", valueName: "format"))
  var only: [String] = []

  @OptionGroup var trial: TrialOptions

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (1...99).contains(rounds) else { throw ValidationError("--rounds must be 1 to 99") }
    guard size.map({ (1 << 20...1 << 44).contains($0.bytes) }) ?? true else {
      throw ValidationError("--size must be 1M to 16T")
    }
  }

  func run() async throws {
    let printer = EventPrinter(common)
    let speed = try plugin(printer)
    let formats = try formats(of: speed, printer)
    let surroundings = TrialSurroundings(trial, common)
    let header = "\(formatBytes(byteCount)), median of \(rounds)"
    try await perform(printer) { stop throws(JobError) in
      try surroundings.check(printer)
      for format in formats {
        printer.say("\(format.name) (\(format.outputs[0].rawValue)), \(header)")
        printer.say(SpeedTable.head)
        do throws(SpeedError) {
          try speed.run(format, stop: stop) { row in
            printer.say(row.json(byteCount: byteCount, rounds: rounds))
            printer.say(SpeedTable.line(row))
          }
        } catch { throw error.told(of: speed.plugin.manifest.name) }
      }
    }
  }

  /// Whole pieces, whatever was asked for.
  private var byteCount: UInt64 { ((size?.bytes ?? 1 << 30) + 0xF_FFFF) & ~0xF_FFFF }

  private func plugin(_ printer: EventPrinter) throws -> PluginSpeed {
    let places = common.places()
    do throws(PluginSearchError) {
      let plugin = try InstalledPlugin.find(path, places: places.places, host: ownVersion)
      return PluginSpeed(
        plugin, launcher: places.launcher, sandbox: trial.sandbox.mode,
        directory: trial.scratchDirectory, byteCount: byteCount, rounds: rounds,
        ways: SpeedWay.allCases.filter { way.isEmpty || way.contains($0) })
    } catch {
      let status: CommandStatus = if case .program = error { .unavailable } else { .noInput }
      throw printer.failure(JobError(status, error.description))
    }
  }

  private func formats(
    of speed: PluginSpeed, _ printer: EventPrinter
  ) throws -> [ManifestFormat] {
    let name = speed.plugin.manifest.name
    for wanted in only where !speed.formats.contains(where: { $0.name == wanted }) {
      let text = "plugin \"\(name)\" writes no format \"\(wanted)\""
      throw printer.failure(JobError(.usage, text))
    }
    let formats = speed.formats.filter { only.isEmpty || only.contains($0.name) }
    guard !formats.isEmpty else {
      throw printer.failure(JobError(.unavailable, "plugin \"\(name)\" writes no format"))
    }
    return formats
  }
}

extension SpeedWay: ExpressibleByArgument {}

extension SpeedError {
  /// What it means for who wanted to measure a plugin.
  fileprivate func told(of name: String) -> JobError {
    switch self {
    case .fault(let clause, let message):
      JobError(
        .protocol,
        "plugin \"\(name)\" \(message)" + (clause.map { " [\($0)]" } ?? "")
          + "; sluice plugin check says more")
    case .refused(let code, let message):
      JobError(
        code == .noSpace || code == .io ? .inputOutput : .software,
        "plugin \"\(name)\" gave up: \(message) (\(code.name))")
    case .unavailable(let reason):
      JobError(.unavailable, cannot: "measure plugin \"\(name)\"", reason)
    case .ceiling(let reason): JobError(.unavailable, cannot: "run the null writer", reason)
    case .interrupted: JobError(.interrupted, "interrupted")
    }
  }
}
