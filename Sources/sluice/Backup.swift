internal import ArgumentParser
internal import Coordinator

/// `sluice backup`
struct Backup: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Back up a running machine, or disk images and configuration files.",
    discussion: """
      Every --to is one archive; all of them are written from one reading of the disks. An \
      archive appears under its name when it is whole, never before.

      With --qmp the disks are those of a running QEMU, all at one instant; the guest goes on.

      Examples:
        sluice backup --qmp /run/vm/qmp.sock --to raw=/backup/monday
        sluice backup --image drive-scsi0=disk.qcow2 --to raw=/backup/monday
        sluice backup --image root=root.qcow2 --image data=data.raw,format=raw \\
            --config vm.conf --to raw=/backup/monday --option raw.sha256sums=on
      """)

  @Option(
    help: ArgumentHelp(
      "A disk: its name in the archive, its file, and what it is if the suffix does not tell. "
        + "A comma in a file name is doubled.",
      valueName: "name=file[,format=f]"))
  var image: [ImageSpecification] = []

  @Option(
    help: ArgumentHelp("A file to keep beside the disks, under its own name.", valueName: "file"))
  var config: [String] = []

  @Option(
    help: ArgumentHelp(
      "How QEMU hands over the data: into shared memory, through a socket, or by files.",
      valueName: "auto|vhost-user|nbd|spool"))
  var transport = BackupRequest.TransportChoice.auto

  @Option(
    help: ArgumentHelp(
      "none: nothing by which the archive could be verified is computed.",
      valueName: "tree-sha256-32k|none"))
  var digest = DigestChoice.tree

  @Option(
    name: .customLong("allow-backing"),
    help: ArgumentHelp(
      "Backing and data files may lie here, and not only beside their image.", valueName: "dir"))
  var allowBacking: [String] = []

  @Flag(
    help: ArgumentHelp(
      "Refuse an image that is truncated, marked as corrupt, mounted, or called raw and begins "
        + "like another format, instead of a warning."))
  var strict = false

  @OptionGroup(title: "Outputs") var outputs: OutputOptions
  @OptionGroup(title: "The machine") var machine: MachineOptions
  @OptionGroup(title: "Running machines") var guest: GuestOptions
  @OptionGroup var stall: StallOption
  @OptionGroup var sandbox: SandboxOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    try outputs.check(isJSON: common.json)
    if guest.qmp != nil {
      guard image.isEmpty else {
        throw ValidationError("--qmp and --image exclude each other")
      }
      guard allowBacking.isEmpty else {
        throw ValidationError("--allow-backing belongs to --image; QEMU has the disks open")
      }
      guard !strict else {
        throw ValidationError("--strict belongs to --image")
      }
    } else if transport == .spool {
      throw ValidationError("--transport spool needs --qmp")
    }
  }

  func run() async throws {
    let printer = EventPrinter(common, isOutputTaken: outputs.takeStandardOutput)
    let request = makeRequest()
    let surroundings = common.surroundings(sandbox.sandbox, printer)
    _ = try await performAsync(printer) { stop async throws(JobError) in
      try await BackupJob(request, surroundings, stop: stop).run()
    }
  }

  private func makeRequest() -> BackupRequest {
    var request = BackupRequest()
    outputs.fill(&request)
    request.stallLimit = stall.seconds
    request.images = image.map(\.image)
    request.guest = guest.request
    request.configs = config
    request.machineFiles = machine.files
    request.transport = transport
    request.computesDigests = digest == .tree
    request.allowBacking = allowBacking
    request.isStrict = strict
    return request
  }
}
