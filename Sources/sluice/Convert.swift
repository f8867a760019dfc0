internal import ArgumentParser
internal import Coordinator

/// `sluice convert`
struct Convert: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make archives of other formats out of an archive.",
    discussion: """
      Disks, configurations, the machine's identity and the instant of the backup travel; every \
      byte is held against the archive's receipt, and nothing is published if one is wrong.

      Examples:
        sluice convert monday --to FORMAT=/backup/monday.archive
        ssh store 'cat monday' | sluice convert - --to raw=monday
      """)

  @OptionGroup var options: ArchiveOptions
  @Flag(
    name: .customLong("require-receipt"),
    help: "Refuse an archive without a receipt with digests, before anything is written.")
  var requireReceipt = false

  @OptionGroup(title: "Outputs") var outputs: OutputOptions
  @OptionGroup(title: "The machine") var machine: MachineOptions

  func validate() throws { try outputs.check(isJSON: options.common.json) }

  func run() async throws {
    let printer = EventPrinter(options.common, isOutputTaken: outputs.takeStandardOutput)
    let surroundings = options.surroundings(printer)
    var archive = options.request
    archive.requiresReceipt = requireReceipt
    let source = archive
    var request = BackupRequest()
    outputs.fill(&request)
    request.stallLimit = options.stall.seconds
    request.machineFiles = machine.files
    let wanted = request
    _ = try await perform(printer) { stop throws(JobError) in
      try ConvertJob(source, wanted, surroundings, stop: stop).run()
    }
  }
}
