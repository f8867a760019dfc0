internal import ArgumentParser
internal import Coordinator

/// What the verbs share that make archives.
struct OutputOptions: ParsableArguments {
  enum SharedMemory: String, ExpressibleByArgument, CaseIterable { case auto, off }

  @Option(
    name: .customLong("to"),
    help: ArgumentHelp(
      "An archive to make. A label tells two archives of one format apart. - is standard output, "
        + "|COMMAND a command of the shell that reads the archive.",
      valueName: "format[:label]=path"))
  var outputs: [OutputSpecification]

  @Option(
    name: .customLong("save-receipt"),
    help: ArgumentHelp(
      "A file to make for the receipt of the archive that goes to - or |COMMAND.",
      valueName: "file"))
  var savedReceipt: String?

  @Option(
    help: ArgumentHelp(
      "An option of a plugin; see: sluice plugin info FORMAT.", valueName: "format.key=value"))
  var option: [OptionSpecification] = []

  @Option(
    name: .customLong("shared-memory"),
    help: ArgumentHelp(
      "off: plugins get the data through their pipes.", valueName: "auto|off"))
  var sharedMemory = SharedMemory.auto

  @Option(
    name: .customLong("rate-limit"),
    help: ArgumentHelp("Read no more than this; K, M, G are understood.", valueName: "bytes/s"))
  var rateLimit: ByteCount?

  @Flag(
    name: .customLong("shared-target"),
    help: "As root: write to a directory that other users may write to as well.")
  var sharedTarget = false

  @Option(name: .customLong("vm-name"), help: "The machine's name, for the archive.")
  var machineName = ""

  @Option(
    name: .customLong("vm-id"),
    help: ArgumentHelp("The machine's number or short name, for the archive.", valueName: "id"))
  var machineID = ""

  var takeStandardOutput: Bool { outputs.takeStandardOutput }

  func check(isJSON: Bool) throws {
    try outputs.checkStandardOutput(isJSON: isJSON)
  }

  func fill(_ request: inout BackupRequest) {
    request.outputs = outputs.map(\.output)
    request.options = option.map(\.option)
    request.savedReceipt = savedReceipt
    request.sharesMemory = sharedMemory == .auto
    request.rateLimit = rateLimit?.bytes
    request.sharesTarget = sharedTarget
    request.vmName = machineName
    request.vmID = machineID
  }
}
