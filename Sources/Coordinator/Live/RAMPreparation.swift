internal import JSON
internal import JobSupport
internal import QEMUControl
internal import Requests

/// Decides how the RAM of a machine is captured, and makes the file that QEMU writes it to.
struct RAMPreparation {
  private let guest: GuestRequest
  private let monitor: any Monitor
  private let journal: Journal
  private let events: EventSink

  init(
    _ guest: GuestRequest, _ monitor: any Monitor, _ journal: Journal, _ events: @escaping EventSink
  ) {
    (self.guest, self.monitor, self.journal, self.events) = (guest, monitor, journal, events)
  }

  /// - Returns: `nil` if only disks are backed up.
  /// - Throws: `JobError`; QEMU is as it was.
  func run(
    _ machine: GuestMachine, _ selection: GuestSelection, _ places: FleecingChoice
  ) async throws(JobError) -> (choice: VMStateChoice, spool: VMStateSpool)? {
    guard let wish = guest.vmState else { return nil }
    try requireName(selection)
    let wanted = try await Self.choice(monitor, machine, selection.chosen, wish, journal)
    let directory = places.wishes[0].directory
    let spool = try attempt("allocate space for the RAM") { () throws(ControlError) in
      try VMStateSpool(in: directory, memoryBytes: wanted.memoryBytes)
    }
    let choice = try safe(wanted, spool)
    events(
      .guest(
        GuestStep(
          "vmstate-way", GuestRAM.text(choice),
          ["way": .string(choice.way.rawValue), "ram": .integer(choice.ramBytes)])))
    return (choice, spool)
  }

  private func requireName(_ selection: GuestSelection) throws(JobError) {
    let name = GuestRAM.streamName
    guard selection.chosen.contains(where: { $0.name == name }) else { return }
    throw JobError(
      .usage, "a disk is called \(name), which is the name of the RAM in archives",
      hint: "give the disk another id in QEMU, or exclude it")
  }

  /// What a capture of this machine's RAM with these disks would be.
  ///
  /// - Parameter journal: Notes what is tried for that; `nil` for a mere look.
  /// - Throws: `JobError` of status `.unavailable` or `.busy` if there can be none.
  static func choice(
    _ monitor: any Monitor, _ machine: GuestMachine, _ disks: [GuestBlockDevice],
    _ wish: GuestRequest.VMState, _ journal: Journal?
  ) async throws(JobError) -> VMStateChoice {
    let choice: VMStateChoice
    do throws(VMStateObstacle) {
      choice = try await VMStateChoice.make(
        monitor, runState: machine.runState, wish: VMStateWay(rawValue: wish.rawValue),
        journal: journal)
    } catch {
      throw JobError(error)
    }
    try requireNoLostRequest(choice, disks)
    return choice
  }

  /// A guest of QEMU 10.0 with disks on an I/O thread hung after a backup with RAM, 1 of 49: a
  /// request seems to be lost where a backup job begins while the guest is paused. 7.2 did not, 24
  /// of 24; `survivesFailure` tells the two apart.
  private static func requireNoLostRequest(
    _ choice: VMStateChoice, _ disks: [GuestBlockDevice]
  ) throws(JobError) {
    let names = disks.filter { $0.iothread != nil }.map(\.name)
    guard choice.survivesFailure, choice.isGuestRunning, !names.isEmpty else { return }
    throw JobError(
      .unavailable,
      "this QEMU may lose a request of a disk on an I/O thread (\(names.joined(separator: ", "))) "
        + "when its guest is paused for its RAM, and the guest would hang", hint: .omitRAM)
  }

  /// The choice, or a pause where the file could run out of space and the guest would suffer.
  private func safe(
    _ choice: VMStateChoice, _ spool: VMStateSpool
  ) throws(JobError) -> VMStateChoice {
    guard choice.needsReservedSpace && !spool.isReserved else { return choice }
    let reason =
      "the filesystem of \(spool.directory.path) cannot reserve space, and this QEMU cannot end a "
      + "background snapshot early"
    guard guest.vmState == .auto else {
      throw JobError(.unavailable, reason, hint: .otherFleecingDirectory)
    }
    return choice.pausing(because: reason)
  }
}
