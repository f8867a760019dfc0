internal import ArgumentParser
internal import BackupJobs
internal import JobSupport
internal import Requests

/// `sluice clean`
struct Clean: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Remove leftovers of interrupted jobs from a directory",
    usage: "sluice clean [<options>] <directory>",
    discussion: """
      Leftovers are Sluice's own hidden staging directories, .NAME.sluice-ID, whose job no longer \
      runs. The next job into the directory removes those of this host by itself; those of other \
      hosts, on a shared file system, are removed with --foreign only.

      Examples:
        sluice clean /backup
        sluice clean /mnt/nfs/backup --foreign --older-than 7d --dry-run
      """)

  @Argument(help: "Directory of the archives")
  var directory: String

  @Flag(help: "Also remove leftovers of other hosts; needs --older-than")
  var foreign = false

  @Option(
    name: .customLong("older-than"),
    help: ArgumentHelp(
      "Minimum age of other hosts' leftovers, by last write (suffixes h, d, w; at least 1h)",
      valueName: "time"))
  var olderThan: Age?

  @Flag(name: .customLong("dry-run"), help: "List leftovers without removing them")
  var dryRun = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard foreign == (olderThan != nil) else {
      throw ValidationError(
        "--foreign and --older-than must be given together: whether a job of another host is "
          + "still running cannot be detected")
    }
  }

  func run() async throws {
    let printer = EventPrinter(common)
    let job = CleanJob(
      directory: directory, foreignSeconds: olderThan?.seconds, isDryRun: dryRun)
    let count = try await perform(printer) { _ throws(JobError) in
      try job.run { leftover, step in
        printer.say(leftover.text(step))
        printer.say(leftover.json(step, in: directory))
      }
    }
    if count == 0 { printer.say("\(directory): nothing to clean up") }
  }
}
