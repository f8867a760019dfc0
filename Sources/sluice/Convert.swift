internal import ArgumentParser
internal import ConvertJobs
internal import JobSupport
internal import Requests

/// `sluice convert`
struct Convert: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Convert an archive to other formats",
    usage: "sluice convert [<options>] <archive> --to <format[:label]=path> ...",
    discussion: """
      Disks, configuration files, the VM's identity and the time of the backup are kept. Every \
      byte is verified against the archive's receipt; a damaged archive is not converted.

      Examples:
        sluice convert monday --to vma=/backup/monday.vma
        ssh store 'cat monday.vma' | sluice convert - --to raw=monday
      """)

  @OptionGroup(title: "Output") var outputs: OutputOptions
  @OptionGroup(title: "VM description") var machine: MachineOptions

  @Flag(
    name: .customLong("require-receipt"),
    help: "Refuse an archive that has no receipt with digests")
  var requireReceipt = false

  @OptionGroup var parents: ParentOption
  @OptionGroup var options: ArchiveOptions

  func validate() throws { try outputs.checkStandardOutput(isJSON: options.common.json) }

  func run() async throws {
    let printer = EventPrinter(options.common, isOutputTaken: outputs.takeStandardOutput)
    let surroundings = try options.surroundings(printer)
    var archive = options.request
    archive.requiresReceipt = requireReceipt
    archive.parents = parents.parent
    let source = archive
    let wanted = try printer.refusing { () throws(RequestError) in try makeRequest() }
    _ = try await performAsync(printer) { stop async throws(JobError) in
      try await ConvertJob(source, wanted, surroundings, stop: stop).run()
    }
  }

  private func makeRequest() throws(RequestError) -> BackupRequest {
    var request = BackupRequest()
    try outputs.fill(&request)
    request.stallLimit = options.stall.seconds
    request.machineFiles = machine.files
    return request
  }
}
