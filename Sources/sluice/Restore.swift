internal import ArgumentParser
internal import Coordinator

/// `sluice restore`
struct Restore: AsyncParsableCommand {
  enum Allocation: String, EnumerableFlag {
    case sparse, preallocate

    static func help(for value: Allocation) -> ArgumentHelp? {
      switch value {
      case .sparse: "Leave blocks of zeros unallocated"
      case .preallocate: "Allocate all of a disk's space before writing its data"
      }
    }
  }

  static let configuration = CommandConfiguration(
    abstract: "Restore disks to a directory, files or block devices",
    usage: "sluice restore [<options>] <archive>",
    discussion: """
      With --to, disks are restored as sparse raw images NAME.raw, configuration files under \
      their own names. Every byte is verified against the archive's receipt; a file gets its name \
      when it is complete and verified.

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
  var disk: [DiskSpecification] = []

  @Option(help: ArgumentHelp("Disk or configuration file to skip (repeatable)", valueName: "name"))
  var skip: [String] = []

  @Flag(exclusivity: .exclusive) var allocation = Allocation.sparse

  @Flag(
    name: .customLong("require-receipt"),
    help: "Refuse an archive that has no receipt with digests")
  var requireReceipt = false

  @Flag(help: "Overwrite files and block devices named by --disk")
  var force = false

  @OptionGroup var options: ArchiveOptions

  func validate() throws {
    guard target != nil || !disk.isEmpty else {
      throw ValidationError("no destination: use --to DIR or --disk NAME=PATH")
    }
  }

  func run() async throws {
    let printer = EventPrinter(options.common)
    let surroundings = options.surroundings(printer)
    let request = makeRequest()
    _ = try await perform(printer) { stop throws(JobError) in
      try RestoreJob(request, surroundings, stop: stop).run()
    }
  }

  private func makeRequest() -> RestoreRequest {
    var archive = options.request
    archive.requiresReceipt = requireReceipt
    var request = RestoreRequest(archive)
    request.directory = target
    request.disks = disk.map(\.disk)
    request.skipped = skip
    request.allocation = allocation == .sparse ? .sparse : .preallocate
    request.overwrites = force
    return request
  }
}

/// `NAME=PATH[,format=raw|qcow2]`
struct DiskSpecification: ExpressibleByArgument {
  let disk: RestoreRequest.Disk

  init?(argument: String) {
    guard let (name, path, options) = splitNamedPath(argument) else { return nil }
    var format: RestoreRequest.Disk.Format?
    for option in options {
      guard option.hasPrefix("format="),
        let known = RestoreRequest.Disk.Format(rawValue: String(option.dropFirst("format=".count)))
      else { return nil }
      format = known
    }
    disk = RestoreRequest.Disk(name: name, path: path, format: format)
  }
}
