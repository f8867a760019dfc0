internal import ArgumentParser
internal import Glibc
internal import JobSupport
internal import Requests
internal import RestoreJobs

/// `sluice read`
struct Read: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Read a disk of an archive, or a part of it, without restoring the rest",
    usage: "sluice read [<options>] <archive> --disk <name>",
    discussion: """
      Writes the bytes to standard output, or to a new file with --output. A whole disk is \
      verified against the archive's receipt; a part of it is not, because a receipt has digests \
      of whole disks only. A compressed archive (.zst, .gz) gives whole disks only.

      Examples:
        sluice read monday.vma --disk drive-scsi0 --offset 512 --length 16 | xxd
        sluice read monday.vma --disk drive-scsi0 --offset 1M --length 1G --output boot.img
      """)

  @Option(help: ArgumentHelp("Disk to read", valueName: "name"))
  var disk: String

  @Option(
    help: ArgumentHelp("First byte to read (suffixes K, M, G, T); default 0", valueName: "bytes"))
  var offset: ByteOffset?

  @Option(
    help: ArgumentHelp(
      "Number of bytes to read (suffixes K, M, G, T); default: to the end of the disk",
      valueName: "bytes"))
  var length: ByteCount?

  @Option(help: ArgumentHelp("File to create, instead of standard output", valueName: "file"))
  var output: String?

  @OptionGroup var parents: ParentOption
  @OptionGroup var rate: ReadingRateOption
  @OptionGroup var options: ArchiveOptions

  /// `-` is standard output, as everywhere.
  private var file: String? { output == "-" ? nil : output }

  func validate() throws {
    guard file == nil else { return }
    guard !options.common.json else {
      throw ValidationError("--json cannot be used with a disk on standard output")
    }
    guard isatty(1) == 0 else {
      throw ValidationError(
        "refusing to write a disk to a terminal; redirect standard output, or use --output")
    }
  }

  func run() async throws {
    let printer = EventPrinter(options.common, isOutputTaken: file == nil)
    let surroundings = try options.surroundings(printer)
    let request = makeRequest()
    _ = try await perform(printer) { stop throws(JobError) in
      try RangeJob(request, surroundings, stop: stop).run()
    }
  }

  private func makeRequest() -> RangeRequest {
    var archive = options.request
    archive.parents = parents.parent
    archive.rateLimit = rate.rateLimit?.bytes
    var request = RangeRequest(archive, disk: disk)
    request.offset = offset?.bytes ?? 0
    request.length = length?.bytes
    request.output = file
    return request
  }
}
