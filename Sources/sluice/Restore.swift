internal import ArgumentParser
internal import JobSupport
internal import Requests
internal import RestoreJobs

/// `sluice restore`
struct Restore: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Restore disks to a directory, files or block devices",
    usage: "sluice restore [<options>] <archive>",
    discussion: """
      With --to, disks are restored as sparse raw images NAME.raw, configuration files under \
      their own names. Every byte is verified against the archive's receipt; a file gets its name \
      when it is complete and verified.

      Of a machine that was running, DIR gets a script that starts it again: start, or resume if \
      its memory was backed up, too.

      Examples:
        sluice restore monday --to restored
        sluice restore monday --disk drive-scsi0=/dev/vg/web --force
        sluice restore monday --disk root=root.qcow2 --disk data=data.raw --skip swap
      """)

  @Option(
    name: .customLong("to"),
    help: ArgumentHelp("Directory to create; it must not exist", valueName: "dir"))
  var target: String?

  @Option(
    help: ArgumentHelp(
      "File or block device to restore a disk to (repeatable)",
      discussion: """
        Default format: qcow2 for the suffix .qcow2, otherwise raw. Write ,, for a comma in a file \
        name.
        """,
      valueName: "name=path[,format=raw|qcow2]"))
  var disk: [RestoreRequest.Disk] = []

  @Option(help: ArgumentHelp("Disk or configuration file to skip (repeatable)", valueName: "name"))
  var skip: [String] = []

  @Flag(exclusivity: .exclusive) var allocation = RestoreRequest.Allocation.sparse

  @Flag(
    name: .customLong("require-receipt"),
    help: "Refuse an archive that has no receipt with digests")
  var requireReceipt = false

  @Flag(help: "Overwrite files and block devices named by --disk")
  var force = false

  @OptionGroup var parents: ParentOption
  @OptionGroup var rate: ReadingRateOption
  @Flag(
    name: .customLong("keep-damaged"),
    help: ArgumentHelp(
      "Keep what can be read of a damaged archive",
      discussion: """
        Lists the ranges that cannot be read, which become zeros. Incomplete files are named \
        NAME.incomplete; exit status 65.
        """))
  var keepDamaged = false

  @Flag(help: "Start the restored machine, and wait until it runs")
  var start = false

  @Flag(
    help: ArgumentHelp(
      "Restore nothing: compare the machine with the QEMU at hand",
      discussion: """
        Type of machine, processor, memory and devices; exit status 69 if something is missing.
        """))
  var check = false

  @Flag(
    name: .customLong("trust-command-line"),
    help: ArgumentHelp(
      "Start the machine with its recorded command line as it is",
      discussion: """
        It can do whatever you can: only for archives that nobody else can have changed. \
        Without it the scripts have what is known to be harmless.
        """))
  var trustCommandLine = false

  @OptionGroup var options: ArchiveOptions

  func validate() throws {
    try validating { () throws(RequestError) in try makeRequest().validateDestination() }
  }

  func run() async throws {
    let printer = EventPrinter(options.common)
    let surroundings = try options.surroundings(printer)
    let request = makeRequest()
    if request.checksMachine {
      try await performAsync(printer) { stop async throws(JobError) in
        try await MachineCheckJob(request.archive, surroundings, stop: stop).run()
      }
    } else if request.startsMachine {
      _ = try await performAsync(printer) { stop async throws(JobError) in
        try await RestoreJob(request, surroundings, stop: stop).runAndStart()
      }
    } else {
      _ = try await perform(printer) { stop throws(JobError) in
        var job = RestoreJob(request, surroundings, stop: stop)
        return try job.run()
      }
    }
  }

  private func makeRequest() -> RestoreRequest {
    var archive = options.request
    archive.requiresReceipt = requireReceipt
    archive.parents = parents.parent
    archive.rateLimit = rate.rateLimit?.bytes
    var request = RestoreRequest(archive)
    request.directory = target
    request.disks = disk
    request.skipped = skip
    request.allocation = allocation
    request.overwrites = force
    request.keepsDamaged = keepDamaged
    request.startsMachine = start
    request.checksMachine = check
    request.trustsCommandLine = trustCommandLine
    return request
  }
}
