internal import BackupProtocol
internal import JSON
internal import QEMUControl
internal import System

/// A running machine that is ready for its point in time: nothing has been frozen or read yet.
struct PreparedGuest: Sendable {
  let machine: GuestMachine
  let disks: [GuestBlockDevice]
  let choice: ExportChoice
  let hold: GuestHold
  let guardian: GuestGuard

  /// The disks as the plan has them.
  var planned: [BackupPlan.Disk] {
    disks.map {
      BackupPlan.Disk(
        name: $0.name, role: GuestSelection.role($0), size: UInt64(clamping: $0.size),
        file: $0.imageFile ?? "")
    }
  }

  /// QEMU's description of the machine, archived with its disks.
  var description: ConfigFile {
    ConfigFile(
      name: "machine.json", bytes: machine.description.serialised(.indented),
      role: "qemu-machine")
  }

  /// The machine's identity in receipts.
  ///
  /// - Parameters:
  ///   - id: Of `--vm-id`; QEMU knows none.
  ///   - name: Of `--vm-name`; empty takes QEMU's.
  func machineIdentity(id: String, _ name: String) -> Job.Machine {
    Job.Machine(
      id: id, name: name.isEmpty ? cleaned(machine.name) : name, uuid: cleaned(machine.uuid ?? ""))
  }

  /// Takes the point in time of all disks, with the guest's filesystems frozen if requested.
  func take(
    _ guest: GuestRequest, _ events: EventSink
  ) async throws(JobError) -> PointInTime.Taken {
    try await controlling("preparing the point in time") { () throws(ControlError) in
      try await self.hold.instant.prepare()
    }
    try await freeze(guest, events)
    // The guest is frozen no longer than the limit, even if QEMU is slow.
    let limit = Task.detached { [hold] in
      try await Task.sleep(for: .seconds(guest.stallLimit))
      _ = await hold.quiesce.thaw()
    }
    defer { limit.cancel() }
    let wasFrozen = hold.quiesce.isFrozen
    let taken = try await controlling("taking the point in time") { () throws(ControlError) in
      try await self.hold.instant.take()
    }
    let isStillFrozen = hold.quiesce.isFrozen
    tell(taken, events)
    _ = await hold.quiesce.thaw()
    if wasFrozen && !isStillFrozen { try notFrozen(guest, events) }
    return taken
  }

  private func freeze(_ guest: GuestRequest, _ events: EventSink) async throws(JobError) {
    guard guest.freeze != .never else { return }
    do throws(AgentError) { try await hold.quiesce.freeze() } catch {
      guard guest.freeze == .try else {
        throw JobError(ControlError.agent(error), doing: "freezing the guest's filesystems")
      }
      events(.warning("the guest's filesystems are not frozen: \(error)"))
    }
  }

  private func notFrozen(_ guest: GuestRequest, _ events: EventSink) throws(JobError) {
    let what = "QEMU took longer than --guest-stall-limit: guest thawed before the point in time"
    if guest.freeze == .require {
      throw JobError(.inputOutput, doing: "freezing the guest's filesystems", what)
    }
    events(.warning(what))
  }

  private func tell(_ taken: PointInTime.Taken, _ events: EventSink) {
    let count = "\(disks.count) disk\(disks.count == 1 ? "" : "s")"
    let milliseconds = Int(taken.milliseconds.rounded(.up))
    events(
      .guest(
        GuestStep(
          "point-in-time",
          "point in time of \(count) taken in \(milliseconds) ms at "
            + makeTimeOfDay(seconds: taken.seconds) + " UTC",
          [
            "disks": JSONValue(disks.map(\.name)), "milliseconds": .real(taken.milliseconds),
            "seconds": .real(taken.seconds),
          ])))
  }
}

/// A name that QEMU gave us, fit for a terminal and for JSON of bounded size.
func cleaned(_ name: String) -> String {
  String(String.UnicodeScalarView(sanitised(name.utf8).unicodeScalars.prefix(255)))
}
