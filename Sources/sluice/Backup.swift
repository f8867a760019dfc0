internal import ArgumentParser
internal import Coordinator
internal import JobSupport
internal import Requests

/// `sluice backup`
struct Backup: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Back up the disks of a running VM, or disk images",
    usage: """
      sluice backup --qmp <socket> --to <format[:label]=path> ... [<options>]
      sluice backup --image <name=file> ... --to <format[:label]=path> ... [<options>]
      """,
    discussion: """
      Every --to creates one archive; the disks are read once for all of them. An archive gets its \
      final name only when it is complete.

      With --qmp, a snapshot of all disks of a running VM is backed up, consistent to one point in \
      time; the guest keeps running.

      Examples:
        sluice backup --qmp /run/vm/qmp.sock --to raw=/backup/monday
        sluice backup --image drive-scsi0=disk.qcow2 --to raw=/backup/monday
        sluice backup --qmp /run/vm/qmp.sock --to 'qcow2=/backup/{time}' --level auto \\
            --parent /backup
        sluice backup --image root=root.qcow2 --image data=data.raw,format=raw \\
            --config vm.conf --to raw=/backup/monday --option raw.sha256sums=on
      """)

  @OptionGroup(title: "Disk images") var images: ImageOptions
  @OptionGroup(title: "Running VM") var guest: GuestOptions
  @OptionGroup(title: "Output") var outputs: OutputOptions
  @OptionGroup(title: "Incremental backups") var increment: IncrementOptions
  @OptionGroup(title: "VM description") var machine: MachineOptions

  @Option(
    help: ArgumentHelp(
      "Configuration file to archive under its own name (repeatable)", valueName: "file"))
  var config: [String] = []

  @Option(
    help: ArgumentHelp(
      "How QEMU delivers the data: in shared memory, through a socket, or as temporary copies",
      discussion: "A spool is for running VMs only.",
      valueName: "auto|vhost-user|nbd|spool"))
  var transport = BackupRequest.TransportChoice.auto

  @Option(
    help: ArgumentHelp(
      "Digest for later verification; none is faster, and the archive cannot be verified",
      valueName: "tree-sha256-32k|none"))
  var digest = BackupRequest.DigestChoice.tree

  @OptionGroup var stall: StallOption
  @OptionGroup var sandbox: SandboxOption
  @OptionGroup var listening: ListeningOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    try listening.verbose.check(common)
    try outputs.checkStandardOutput(isJSON: common.json)
    try validating { () throws(RequestError) in try makeSource().validateSource() }
  }

  func run() async throws {
    let printer = EventPrinter(common, isOutputTaken: outputs.takeStandardOutput)
    let request = try printer.refusing { () throws(RequestError) in try makeRequest() }
    var wanted = common.surroundings(sandbox.sandbox, printer)
    // Parents are read by plugins, too.
    wanted.readerStallLimit = stall.seconds
    wanted.listeners = try listening.open(printer)
    let surroundings = wanted
    _ = try await performAsync(printer) { stop async throws(JobError) in
      try await BackupJob(request, surroundings, stop: stop).run()
    }
  }

  private func makeRequest() throws(RequestError) -> BackupRequest {
    var request = try makeSource()
    try outputs.fill(&request)
    request.configs = config
    request.machineFiles = machine.files
    return request
  }

  /// What is to be read, and how.
  private func makeSource() throws(RequestError) -> BackupRequest {
    var request = BackupRequest()
    request.stallLimit = stall.seconds
    request.images = images.image
    request.guest = guest.request
    request.transport = transport
    request.allowBacking = images.allowBacking
    request.isStrict = images.strict
    request.digest = digest
    request.increment = try increment.request
    return request
  }
}
