internal import ArgumentParser
internal import Coordinator

/// Options of the verbs that create archives.
struct OutputOptions: ParsableArguments {
  enum SharedMemory: String, ExpressibleByArgument, CaseIterable { case auto, off }

  @Option(
    name: .customLong("to"),
    help: ArgumentHelp(
      "Archive to create (repeatable); '-' is standard output, '|COMMAND' a shell command",
      discussion: """
        Labels distinguish archives of the same format. In a path, {vmid} is the VM's ID and \
        {time} the time of the backup; write {{ and }} for braces.
        """,
      valueName: "format[:label]=path"))
  var outputs: [OutputSpecification]

  @Option(
    name: .customLong("save-receipt"),
    help: ArgumentHelp(
      "File to create for the receipt of an archive written to '-' or '|COMMAND'",
      valueName: "file"))
  var savedReceipt: String?

  @Option(
    help: ArgumentHelp(
      "Plugin option (repeatable); see 'sluice plugin info FORMAT'",
      valueName: "format.key=value"))
  var option: [OptionSpecification] = []

  @Option(
    name: .customLong("shared-memory"),
    help: ArgumentHelp(
      "Pass data to plugins in shared memory; off: through pipes", valueName: "auto|off"))
  var sharedMemory = SharedMemory.auto

  @Option(
    name: .customLong("rate-limit"),
    help: ArgumentHelp("Maximum read rate (suffixes K, M, G, T)", valueName: "bytes/s"))
  var rateLimit: ByteCount?

  @Flag(
    name: .customLong("shared-target"),
    help: "As root: allow a target directory that other users can write to")
  var sharedTarget = false

  @Option(
    name: .customLong("vm-name"),
    help: ArgumentHelp("VM name recorded in the archive", valueName: "name"))
  var machineName = ""

  @Option(
    name: .customLong("vm-id"),
    help: ArgumentHelp("VM ID recorded in the archive (a number or short name)", valueName: "id"))
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
