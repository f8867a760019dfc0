internal import ArgumentParser
internal import Glibc
internal import Requests

/// Options of the verbs that create archives.
struct OutputOptions: ParsableArguments {
  @Option(
    name: .customLong("to"),
    help: ArgumentHelp(
      "Archive to create (repeatable); '-' is standard output, '|COMMAND' a shell command",
      discussion: """
        Labels distinguish archives of the same format. In a path, {vmid} is the VM's ID and \
        {time} the time of the backup; write {{ and }} for braces.
        """,
      valueName: "format[:label]=path"))
  var outputs: [OutputArgument]

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
  var option: [BackupRequest.Option] = []

  @Option(
    name: .customLong("shared-memory"),
    help: ArgumentHelp(
      "Pass data to plugins in shared memory; off: through pipes", valueName: "auto|off"))
  var sharedMemory = BackupRequest.SharedMemoryChoice.auto

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

  /// Whether an archive goes to standard output; then nothing else may be written to it.
  var takeStandardOutput: Bool {
    outputs.contains { (try? $0.output.get())?.place == .standardOutput }
  }

  func checkStandardOutput(isJSON: Bool) throws {
    guard takeStandardOutput else { return }
    guard !isJSON else {
      throw ValidationError("--json cannot be used with an archive on standard output")
    }
    guard isatty(1) == 0 else {
      throw ValidationError("refusing to write an archive to a terminal; redirect standard output")
    }
  }

  func fill(_ request: inout BackupRequest) throws(RequestError) {
    for argument in outputs { request.outputs.append(try argument.output.get()) }
    request.options = option
    request.savedReceipt = savedReceipt
    request.sharedMemory = sharedMemory
    request.rateLimit = rateLimit?.bytes
    request.sharesTarget = sharedTarget
    request.vmName = machineName
    request.vmID = machineID
  }
}
