internal import ArgumentParser
internal import Coordinator

/// `sluice clean`
struct Clean: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Remove what interrupted jobs have left in a directory.",
    discussion: """
      Only staging places of Sluice's own are looked at: hidden directories of an exact form that \
      hold its mark. Those whose job runs are never removed. The next job into the directory \
      removes by itself what dead jobs of this machine left there; what other machines left, on a \
      shared file system, is removed by --foreign alone.

      Examples:
        sluice clean /backup
        sluice clean /mnt/nfs/backup --foreign --older-than 7d --dry-run
      """)

  @Argument(help: "The directory in which archives are made.")
  var directory: String

  @Flag(help: "Remove what jobs of other machines left, too; needs --older-than.")
  var foreign = false

  @Option(
    name: .customLong("older-than"),
    help: ArgumentHelp(
      "Of other machines: only what was not written for so long (suffixes h, d, w; at least 1h).",
      valueName: "time"))
  var olderThan: Age?

  @Flag(name: .customLong("dry-run"), help: "Remove nothing, only list what would be removed.")
  var dryRun = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard foreign == (olderThan != nil) else {
      throw ValidationError(
        "--foreign and --older-than belong together: whether a job of another machine runs cannot "
          + "be seen from here")
    }
  }

  func run() async throws {
    let printer = EventPrinter(common)
    let job = CleanJob(
      directory: directory, foreignSeconds: olderThan?.seconds, isDryRun: dryRun)
    let count = try await perform(printer) { _ throws(JobError) in
      try job.run { leftover, step in
        printer.say(leftover.text(step))
        printer.say(leftover.json(step))
      }
    }
    if count == 0 { printer.say("nothing was left in \(directory)") }
  }
}

/// A time span on the command line: `12h`, `7d`, `2w`.
struct Age: ExpressibleByArgument {
  let seconds: Int64

  init?(argument: String) {
    let units: [Character: Int64] = ["h": 3600, "d": 86400, "w": 7 * 86400]
    guard let unit = argument.last.flatMap({ units[$0] }),
      let count = Int64(argument.dropLast()), (1...10_000).contains(count)
    else { return nil }
    seconds = count * unit
  }
}
