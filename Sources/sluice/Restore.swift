internal import ArgumentParser
internal import Coordinator

/// `sluice restore`
struct Restore: AsyncParsableCommand {
  enum Allocation: String, EnumerableFlag {
    case sparse, preallocate

    static func help(for value: Allocation) -> ArgumentHelp? {
      switch value {
      case .sparse: "What is zeros takes no room."
      case .preallocate: "Take room for all of a disk before its data comes."
      }
    }
  }

  static let configuration = CommandConfiguration(
    abstract: "Restore an archive into a new directory, or disks into places of their own.",
    discussion: """
      In the directory disks become sparse raw images NAME.raw, configurations keep their names. \
      Every byte is held against the archive's receipt; a place appears when what is in it is \
      right.

      Examples:
        sluice restore monday --to restored
        sluice restore monday --disk drive-scsi0=/dev/vg/web --force
        sluice restore monday --disk root=root.qcow2 --disk data=data.raw --skip swap
      """)

  @OptionGroup var options: ArchiveOptions

  @Option(
    name: .customLong("to"),
    help: ArgumentHelp("The directory to make; it must not exist.", valueName: "dir"))
  var target: String?

  @Option(
    help: ArgumentHelp(
      "A place of its own for a disk: a file or a block device (repeatable). What is called "
        + ".qcow2 becomes qcow2, all else raw. A comma in a file name is doubled.",
      valueName: "name=path[,format=raw|qcow2]"))
  var disk: [DiskSpecification] = []

  @Option(help: ArgumentHelp("Leave a disk or configuration out (repeatable).", valueName: "name"))
  var skip: [String] = []

  @Flag(exclusivity: .exclusive) var allocation = Allocation.sparse

  @Flag(
    name: .customLong("require-receipt"),
    help: "Refuse an archive without a receipt with digests, before anything is written.")
  var requireReceipt = false

  @Flag(help: "Overwrite files and block devices that --disk names.")
  var force = false

  func validate() throws {
    guard target != nil || !disk.isEmpty else {
      throw ValidationError("where to? --to DIR, or --disk NAME=PATH")
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
