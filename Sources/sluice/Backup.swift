internal import ArgumentParser
internal import Coordinator

/// `sluice backup`
struct Backup: AsyncParsableCommand {
  enum SharedMemory: String, ExpressibleByArgument, CaseIterable { case auto, off }

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
    name: .customLong("to"),
    help: ArgumentHelp(
      "An archive to make. A label tells two archives of one format apart. - is standard output, "
        + "|COMMAND a command of the shell that reads the archive.",
      valueName: "format[:label]=path"))
  var outputs: [OutputSpecification]

  @Option(
    help: ArgumentHelp("A file to keep beside the disks, under its own name.", valueName: "file"))
  var config: [String] = []

  @Option(
    help: ArgumentHelp(
      "An option of a plugin; see: sluice plugin info FORMAT.", valueName: "format.key=value"))
  var option: [OptionSpecification] = []

  @Option(
    help: ArgumentHelp(
      "How QEMU hands over the data: straight into shared memory, or through a socket.",
      valueName: "auto|vhost-user|nbd"))
  var transport = BackupRequest.TransportChoice.auto

  @Option(
    name: .customLong("shared-memory"),
    help: ArgumentHelp(
      "off: plugins get the data through their pipes.", valueName: "auto|off"))
  var sharedMemory = SharedMemory.auto

  @Option(
    name: .customLong("allow-backing"),
    help: ArgumentHelp(
      "Backing and data files may lie here, and not only beside their image.", valueName: "dir"))
  var allowBacking: [String] = []

  @Option(
    name: .customLong("rate-limit"),
    help: ArgumentHelp("Read no more than this; K, M, G are understood.", valueName: "bytes/s"))
  var rateLimit: ByteCount?

  @Option(
    name: .customLong("stall-limit"),
    help: ArgumentHelp(
      "Give a plugin up after so long without any progress.", valueName: "seconds"))
  var stallLimit = 600.0

  @Option(name: .customLong("vm-name"), help: "The machine's name, for the archive.")
  var machineName = ""

  @OptionGroup(title: "Running machines") var guest: GuestOptions
  @OptionGroup var sandbox: SandboxOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard stallLimit > 0 && stallLimit < 1e9 else {
      throw ValidationError("--stall-limit is a number of seconds above 0")
    }
    try outputs.checkStandardOutput(isJSON: common.json)
    if guest.qmp != nil {
      guard image.isEmpty else {
        throw ValidationError("--qmp and --image exclude each other")
      }
      guard allowBacking.isEmpty else {
        throw ValidationError("--allow-backing belongs to --image; QEMU has the disks open")
      }
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
    request.images = image.map(\.image)
    request.guest = guest.request
    request.outputs = outputs.map(\.output)
    request.configs = config
    request.options = option.map(\.option)
    request.transport = transport
    request.sharesMemory = sharedMemory == .auto
    request.allowBacking = allowBacking
    request.rateLimit = rateLimit?.bytes
    request.stallLimit = stallLimit
    request.vmName = machineName
    return request
  }
}
