internal import BackupProtocol
internal import Pump
internal import QEMUControl
internal import System

/// Finds out what a running machine has, warns of what may go wrong, and makes ready what a take-
/// down needs before anything is put into QEMU.
struct GuestPreparation {
  /// Seconds for the guest's agent to answer at all.
  static let agentSeconds = 3.0

  let guest: GuestRequest
  let transport: BackupRequest.TransportChoice
  let client: QMPClient
  let journal: Journal
  let surroundings: Surroundings
  let stop: StopSignal

  /// - Throws: `JobError`; then nothing is in QEMU, and no process is left.
  func run() async throws(JobError) -> GuestSession {
    let machine = try await controlling("looking at the machine") { () throws(ControlError) in
      try await GuestMachine.inspect(self.client)
    }
    try requireAble(machine)
    try? journal.update { $0.guestRan = machine.runState != "io-error" }
    let selection = try GuestSelection(machine, guest)
    let choice = try ExportChoice(machine, selection.chosen, transport)
    let places = try StoreChoice(selection.chosen, guest)
    tell(machine, selection, choice, places)
    let agent = try await agent()
    let stores = try blockingControl("making the fleecing stores") { () throws(ControlError) in
      try FleecingStore.make(places.wishes)
    }
    let watchdog = try GuestWatchdog(
      besideLauncher: surroundings.launcher, client: client, agent: agent, journal: journal,
      events: surroundings.events)
    let disks = zip(selection.chosen, stores).map { device, store in
      PointInTime.Disk(
        name: device.name, node: device.nodeName ?? "", size: device.size, store: store)
    }
    let hold = GuestHold(
      client: client, journal: journal, watchdog: watchdog,
      instant: PointInTime(client, mark: journal.mark, disks: disks, journal: journal),
      agent: agent, events: surroundings.events)
    let guardian = GuestGuard(
      hold, StoreRoom(stores), stop: stop, events: surroundings.events)
    guardian.start()
    return GuestSession(
      machine: machine, disks: selection.chosen, choice: choice, hold: hold, guardian: guardian)
  }

  private func requireAble(_ machine: GuestMachine) throws(JobError) {
    guard machine.features.canBackUp else {
      throw JobError(
        .unavailable, doing: "",
        "this QEMU (\(cleaned(machine.version))) lacks what a live backup needs: "
          + machine.features.missing.joined(separator: ", "))
    }
  }

  private func tell(
    _ machine: GuestMachine, _ selection: GuestSelection, _ choice: ExportChoice,
    _ places: StoreChoice
  ) {
    let events = surroundings.events
    for omission in selection.omissions { events(.guest(GuestStep("omitted", omission))) }
    for warning in machine.warnings { events(.warning(warning)) }
    if machine.runState == "io-error" {
      events(.warning("the guest stands in an I/O error; it stays so"))
    }
    for device in selection.chosen {
      for line in Protection(writeErrorPolicy: device.writeErrorPolicy)
        .warnings(disk: device.name, policy: device.writeErrorPolicy)
      {
        events(.warning(line))
      }
    }
    for line in places.warnings + choice.notes { events(.warning(line)) }
  }

  /// The guest's agent, in step; `nil` where it is not wanted, or not there and not required.
  private func agent() async throws(JobError) -> GuestAgent? {
    guard let path = guest.agentSocket, guest.freeze != .never else { return nil }
    do throws(AgentError) {
      return try await GuestAgent.connect(path: path, seconds: Self.agentSeconds)
    } catch {
      guard guest.freeze == .try else {
        throw JobError(ControlError.agent(error), doing: "")
      }
      surroundings.events(.warning("the guest's filesystems will not be frozen: \(error)"))
      return nil
    }
  }
}
