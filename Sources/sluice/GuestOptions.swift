internal import ArgumentParser
internal import Requests

/// Options of `sluice backup` for running VMs.
struct GuestOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "QMP socket of the running VM to back up (of QEMU's option "
        + "-qmp unix:PATH,server=on,wait=off)",
      valueName: "socket"))
  var qmp: String?

  @Option(
    help: ArgumentHelp(
      "Disk to back up (repeatable); default: all writable disks",
      valueName: "name"))
  var disk: [String] = []

  @Option(help: ArgumentHelp("Disk to exclude (repeatable)", valueName: "name"))
  var exclude: [String] = []

  @Option(
    name: .customLong("fleecing-dir"),
    help: ArgumentHelp(
      "Directory for fleecing images and spools; default: beside each disk's image",
      valueName: "dir"))
  var fleecingDirectory: String?

  @Option(
    name: .customLong("fleecing-reserve"),
    help: ArgumentHelp(
      "Space to preallocate for each disk's fleecing image (suffixes K, M, G, T)",
      valueName: "bytes"))
  var fleecingReserve: ByteCount?

  @Option(
    name: .customLong("guest-stall-limit"),
    help: ArgumentHelp(
      "Maximum time the guest's file systems may be frozen, up to 60",
      valueName: "seconds"))
  var guestStallLimit = Defaults.guestStallLimit

  @Option(
    name: .customLong("guest-agent"),
    help: ArgumentHelp("Socket of the QEMU guest agent", valueName: "socket"))
  var guestAgent: String?

  @Option(
    help: ArgumentHelp(
      "Freeze the guest's file systems for the snapshot, through the guest agent; default: try",
      valueName: "require|try|never"))
  var freeze: GuestRequest.Freeze?

  @Option(
    defaultAsFlag: GuestRequest.VMState.auto,
    help: ArgumentHelp(
      "Back up the VM's RAM, too, so that it can be resumed from the archive: while the guest runs "
        + "(background), or while it is paused (stop)",
      valueName: "auto|background|stop"))
  var vmstate: GuestRequest.VMState?

  func validate() throws {
    if qmp == nil, let option = firstGiven {
      throw ValidationError("\(option) needs --qmp")
    }
    try validating { () throws(RequestError) in try request(socket: qmp ?? "").validate() }
  }

  private var firstGiven: String? {
    if !disk.isEmpty { return "--disk" }
    if !exclude.isEmpty { return "--exclude" }
    if fleecingDirectory != nil { return "--fleecing-dir" }
    if fleecingReserve != nil { return "--fleecing-reserve" }
    if guestAgent != nil { return "--guest-agent" }
    if vmstate != nil { return "--vmstate" }
    return freeze == nil ? nil : "--freeze"
  }

  /// The request for a running VM; `nil` without `--qmp`.
  var request: GuestRequest? { qmp.map(request(socket:)) }

  private func request(socket: String) -> GuestRequest {
    var request = GuestRequest(socket: socket)
    request.disks = disk
    request.excluded = exclude
    request.fleecingDirectory = fleecingDirectory
    request.fleecingReserve = fleecingReserve?.bytes ?? 0
    request.stallLimit = guestStallLimit
    request.agentSocket = guestAgent
    request.freeze = freeze ?? .try
    request.vmState = vmstate
    return request
  }
}
