internal import ArgumentParser
internal import Coordinator

/// Options of `sluice backup` for running machines.
struct GuestOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Back up the running machine whose QEMU listens here (-qmp unix:PATH,server=on,wait=off).",
      valueName: "socket"))
  var qmp: String?

  @Option(
    help: ArgumentHelp(
      "Back up this disk and no other (repeatable); without it: all that are writable.",
      valueName: "name"))
  var disk: [String] = []

  @Option(help: ArgumentHelp("Leave this disk out (repeatable).", valueName: "name"))
  var exclude: [String] = []

  @Option(
    name: .customLong("fleecing-dir"),
    help: ArgumentHelp(
      "Keep here what the guest overwrites meanwhile; without it: beside each image.",
      valueName: "dir"))
  var fleecingDirectory: String?

  @Option(
    name: .customLong("fleecing-reserve"),
    help: ArgumentHelp(
      "Take so much room for each disk before the point in time; K, M, G are understood.",
      valueName: "bytes"))
  var fleecingReserve: ByteCount?

  @Option(
    name: .customLong("guest-stall-limit"),
    help: ArgumentHelp(
      "Break the backup when the guest has stood still for so long because of it.",
      valueName: "seconds"))
  var guestStallLimit = 1.0

  @Option(
    name: .customLong("guest-agent"),
    help: ArgumentHelp("The socket of the guest's agent.", valueName: "socket"))
  var guestAgent: String?

  @Option(
    help: ArgumentHelp(
      "Freeze the guest's filesystems for the point in time, by its agent.",
      valueName: "require|try|never"))
  var freeze: GuestRequest.Freeze?

  func validate() throws {
    guard guestStallLimit > 0 && guestStallLimit <= 60 else {
      throw ValidationError("--guest-stall-limit is a number of seconds above 0, at most 60")
    }
    if qmp == nil, let option = firstGiven {
      throw ValidationError("\(option) needs --qmp")
    }
    if guestAgent == nil && freeze == .require {
      throw ValidationError("--freeze require needs --guest-agent")
    }
  }

  private var firstGiven: String? {
    if !disk.isEmpty { return "--disk" }
    if !exclude.isEmpty { return "--exclude" }
    if fleecingDirectory != nil { return "--fleecing-dir" }
    if fleecingReserve != nil { return "--fleecing-reserve" }
    if guestAgent != nil { return "--guest-agent" }
    return freeze == nil ? nil : "--freeze"
  }

  /// What is asked of a running machine; `nil` without `--qmp`.
  var request: GuestRequest? {
    guard let qmp else { return nil }
    var request = GuestRequest(socket: qmp)
    request.disks = disk
    request.excluded = exclude
    request.fleecingDirectory = fleecingDirectory
    request.fleecingReserve = fleecingReserve?.bytes ?? 0
    request.stallLimit = guestStallLimit
    request.agentSocket = guestAgent
    request.freeze = freeze ?? .try
    return request
  }
}

extension GuestRequest.Freeze: ExpressibleByArgument {}
