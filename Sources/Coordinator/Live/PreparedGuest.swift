internal import BackupJobs
internal import BackupProtocol
internal import JSON
internal import JobSupport
internal import Pump
internal import QEMUControl
internal import Requests
internal import System

/// A running machine that is ready for its point in time: nothing has been frozen or read yet.
struct PreparedGuest: Sendable {
  let machine: GuestMachine
  /// The machine in receipts.
  let identity: Job.Machine
  let disks: [GuestBlockDevice]
  let choice: ExportChoice
  /// `nil` for a backup without a level.
  let increment: GuestIncrement?
  /// `nil` for a backup of disks only.
  let ram: GuestRAM?
  let hold: GuestHold
  let guardian: GuestGuard

  /// Sets the machine free after a failure.
  ///
  /// - Parameter count: Archives that are published all the same.
  /// - Returns: Why the job failed: what happened to the guest explains more than the read error
  ///   that followed from it.
  func failed(_ error: JobError, published count: Int = 0) async -> JobError {
    let undone = await hold.release()
    await settleBitmaps(count > 0 ? .partial : .failed)
    await hold.settle()
    if let failure = await guardian.failure() { return failure }
    return undone.isQEMUGone && error.status != .interrupted ? guardian.end : error
  }

  /// Removes the dirty bitmaps that nobody needs any more, once every archive is published.
  func settleBitmaps(published report: JobReport) async {
    let isIncrement = report.streams.contains { $0.digest.algorithm == .incrementTreeSHA256 }
    let succeeds = isIncrement && increment?.chosen.level == .incremental
    await settleBitmaps(succeeds ? .succeedsParent : .besideParent)
  }

  private func settleBitmaps(_ outcome: BitmapSettlement.Outcome) async {
    guard increment != nil else { return }
    let warnings = await BitmapSettlement.run(
      hold.monitor, hold.instant.disks, outcome, journal: hold.journal)
    for warning in warnings { hold.events(.warning(warning)) }
  }

  /// The disks as the plan has them.
  var planned: [BackupPlan.Disk] {
    disks.map {
      BackupPlan.Disk(
        name: $0.name, role: GuestSelection.role($0), size: UInt64(clamping: $0.size),
        file: $0.imageFile ?? "")
    } + (ram.map { [$0.planned] } ?? [])
  }

  /// QEMU's description of the machine, archived with its disks.
  var description: ConfigFile {
    ConfigFile(
      name: "machine.json", bytes: machine.description.serialised(.indented),
      role: "qemu-machine")
  }

  /// Takes the point in time of all disks, with RAM or the guest's filesystems frozen if requested.
  func take(
    _ guest: GuestRequest, _ events: EventSink
  ) async throws(JobError) -> PointInTime.Taken {
    // Not frozen: a guest restored from its RAM would be so, too.
    if let ram {
      let taken = try await ram.take(hold)
      tell(taken, events)
      return taken
    }
    return try await takeFrozen(guest, events)
  }

  private func takeFrozen(
    _ guest: GuestRequest, _ events: EventSink
  ) async throws(JobError) -> PointInTime.Taken {
    try await attempt("prepare the point in time") { () async throws(ControlError) in
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
    let taken = try await attempt("take the point in time") { () async throws(ControlError) in
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
        throw JobError(ControlError.agent(error), cannot: "freeze the guest's filesystems")
      }
      events(.warning("the guest's filesystems are not frozen: \(error)"))
    }
  }

  private func notFrozen(_ guest: GuestRequest, _ events: EventSink) throws(JobError) {
    let what = "QEMU took longer than --guest-stall-limit: guest thawed before the point in time"
    if guest.freeze == .require {
      throw JobError(.inputOutput, cannot: "freeze the guest's filesystems", what)
    }
    events(.warning(what))
  }

  private func tell(_ taken: PointInTime.Taken, _ events: EventSink) {
    let count = "\(disks.count) disk\(disks.count == 1 ? "" : "s")" + (ram == nil ? "" : " and RAM")
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

extension GuestMachine {
  /// The machine's identity in receipts: QEMU knows no VM ID, and the user may name it otherwise.
  func identity(_ request: BackupRequest) -> Job.Machine {
    Job.Machine(
      id: request.vmID, name: request.vmName.isEmpty ? cleaned(name) : request.vmName,
      uuid: cleaned(uuid ?? ""))
  }
}
