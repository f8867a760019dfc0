internal import BackupJobs
internal import BackupProtocol
internal import JSON
internal import JobSupport
internal import QEMUControl
internal import Requests
internal import System

/// Inspects a running machine, warns of what may go wrong, and prepares what the cleanup needs
/// before anything is put into QEMU.
struct GuestPreparation {
  /// Seconds for the guest's agent to answer at all.
  static let agentSeconds = 3.0
  /// Maximum read rate of a spool from the guest's disks.
  static let spoolBytesPerSecond: Int64 = 256 << 20

  let guest: GuestRequest
  let monitor: any Monitor
  let journal: Journal
  let order: JobOrder

  private var surroundings: Surroundings { order.surroundings }
  private var stop: StopSignal { order.stop }

  /// - Throws: `JobError`; then nothing is in QEMU, and no process is left.
  func run() async throws(JobError) -> PreparedGuest {
    let machine = try await attempt("inspect the machine") { () async throws(ControlError) in
      try await GuestMachine.inspect(self.monitor)
    }
    try requireAble(machine)
    try? journal.update { $0.guestRan = machine.runState != "io-error" }
    let selection = try GuestSelection(machine, guest)
    let choice = try ExportChoice(machine, selection.chosen, order.request.transport)
    let isSpool = choice.way == .spool
    let identity = machine.identity(order.request)
    let increment = try await GuestIncrement.plan(
      order, of: identity, selection.chosen, machine.features, monitor)
    let places = try await Self.places(selection.chosen, guest, isSpool: isSpool)
    tell(machine, selection, choice, places)
    tell(increment, selection.chosen)
    let ramParts = try await RAMPreparation(guest, monitor, journal, surroundings.events)
      .run(machine, selection, places)
    let agent = try await agent()
    let images = try Self.images(places, choice)
    let watchdog = try GuestWatchdog(
      besideLauncher: surroundings.launcher, monitor: monitor, agent: agent, journal: journal,
      events: surroundings.events)
    let disks = zip(selection.chosen, images).map { device, image in
      PointInTime.Disk(
        name: device.name, node: device.nodeName ?? "", size: device.size, image: image,
        bitmaps: increment?.bitmaps[device.nodeName ?? ""])
    }
    let hold = GuestHold(
      monitor: monitor, journal: journal, watchdog: watchdog,
      instant: PointInTime(
        monitor, mark: journal.mark, disks: disks,
        method: isSpool ? spooling(machine) : .fleece, journal: journal),
      agent: agent, events: surroundings.events)
    let ram = ramParts.map { choice, spool in
      GuestRAM(VMStateCapture(choice, spool, with: hold.instant), guest, order)
    }
    let guardian = GuestGuard(
      hold, FleecingSpace(images, isSpool: isSpool), stop: stop, events: surroundings.events)
    guardian.start()
    return PreparedGuest(
      machine: machine, identity: identity, disks: selection.chosen, choice: choice,
      increment: increment, ram: ram, hold: hold, guardian: guardian)
  }

  /// On a thread of its own: for a spool the tables of images are read.
  static func places(
    _ disks: [GuestBlockDevice], _ guest: GuestRequest, isSpool: Bool
  ) async throws(JobError) -> FleecingChoice {
    try await blocking(named: "sluice-room") { () throws(JobError) in
      try FleecingChoice(disks, guest, isSpool: isSpool)
    }
  }

  private static func images(
    _ places: FleecingChoice, _ choice: ExportChoice
  ) throws(JobError) -> [FleecingImage] {
    let what = choice.way == .spool ? "allocate the spool" : "create the fleecing images"
    do throws(JobError) {
      return try attempt(what) { () throws(ControlError) in
        try FleecingImage.make(places.wishes)
      }
    } catch {
      guard let reason = choice.spoolReason else { throw error }
      throw error.saying(
        error.message + " (the disks are copied there first, because \(reason))",
        hint: .avoidSpool)
    }
  }

  /// At the requested rate or our maximum, whichever is lower.
  private func spooling(_ machine: GuestMachine) -> PointInTime.Method {
    .spool(
      bytesPerSecond: min(
        Int64(clamping: order.request.rateLimit ?? .max), Self.spoolBytesPerSecond),
      boundsWorkers: machine.features.boundsWorkersOfJobs)
  }

  private func requireAble(_ machine: GuestMachine) throws(JobError) {
    guard machine.features.canBackUp else {
      throw JobError(
        .unavailable,
        "this QEMU (\(cleaned(machine.version))) lacks features that a live backup needs: "
          + machine.features.missing.joined(separator: ", "))
    }
  }

  private func tell(
    _ machine: GuestMachine, _ selection: GuestSelection, _ choice: ExportChoice,
    _ places: FleecingChoice
  ) {
    let events = surroundings.events
    for omission in selection.omissions { events(.guest(GuestStep("omitted", omission))) }
    for warning in machine.warnings { events(.warning(warning)) }
    if let warning = machine.commandLine.warning { events(.warning(sanitised(warning.utf8))) }
    if machine.runState == "io-error" {
      events(.warning("the guest is paused by an I/O error and stays paused"))
    }
    for device in selection.chosen {
      for line in Protection(writeErrorPolicy: device.writeErrorPolicy)
        .warnings(
          disk: device.name, policy: device.writeErrorPolicy, image: choice.imageWord)
      {
        events(.warning(line))
      }
      if let line = GuestSelection.encryption(device) { events(.warning(line)) }
    }
    for line in places.warnings + choice.notes { events(.warning(line)) }
    events(
      .guest(GuestStep("way", choice.text, ["way": .string(choice.way.rawValue)])))
  }

  /// What notes the guest's writes from now on costs memory, and may be lost.
  private func tell(_ increment: GuestIncrement?, _ disks: [GuestBlockDevice]) {
    guard let increment else { return }
    for (text, remedy) in increment.warnings { surroundings.events(.warning(text, remedy)) }
    let bytes = disks.reduce(0) { $0 + UInt64(clamping: $1.size) / (8 * Cluster.bytes) }
    let lost = increment.volatile.map(cleaned).joined(separator: ", ")
    surroundings.events(
      .guest(
        GuestStep(
          "bitmaps",
          "dirty bitmaps: \((bytes + 1023) / 1024) KiB of QEMU's memory (2 MiB per TiB)"
            + (lost.isEmpty ? ", kept when QEMU exits" : "; lost when QEMU exits: \(lost)"),
          ["bytes": JSONValue(bytes), "volatile": JSONValue(increment.volatile)])))
  }

  /// The guest agent, in sync; `nil` if not requested, or unavailable and not required.
  private func agent() async throws(JobError) -> GuestAgent? {
    guard let path = guest.agentSocket, guest.freeze != .never else { return nil }
    guard guest.vmState == nil else {
      surroundings.events(
        .warning("the guest's filesystems are not frozen: with its RAM they are consistent"))
      return nil
    }
    do throws(AgentError) {
      return try await GuestAgent.connect(path: path, seconds: Self.agentSeconds)
    } catch {
      guard guest.freeze == .try else {
        throw JobError(ControlError.agent(error))
      }
      surroundings.events(.warning("the guest's filesystems will not be frozen: \(error)"))
      return nil
    }
  }
}
