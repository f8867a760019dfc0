internal import BackupProtocol
internal import Glibc
internal import JSON
internal import Machine
internal import Pump
internal import QEMUControl
internal import System

/// One backup of a running machine.
///
/// connect → journal → leftovers → inspect → watchdog → fleecing images → point in time → exports →
/// copy → clean up → publish. Whatever fails after the watchdog's start, QEMU is cleaned up.
struct GuestBackup: Sendable {
  /// Twice as many reads in flight as for images: QEMU's main loop, which also serves the guest, is
  /// woken less often for the same bytes, and takes a quarter less CPU time for them.
  private static let slotCount = 32

  let request: BackupRequest
  let guest: GuestRequest
  let surroundings: Surroundings
  let stop: StopSignal

  func run() async throws(JobError) -> JobReport {
    let files = try ToldFiles(request.machineFiles)
    let outputs = try BackupPlan.outputs(
      request, surroundings, isMachineTold: request.vmID.isEmpty && !files.id.isEmpty)
    try BackupPlan.refuseTaken(outputs)
    let configs = try BackupPlan.configs(request) + files.configs
    let socket = GuestConnection.canonical(guest.socket)
    let client = try await GuestConnection.open(socket)
    // The watchdog has a duplicate, if it still needs one.
    defer { client.close() }
    let id = makeJobIdentifier()
    let journal = try await enter(client, socket, id)
    let prepared: PreparedGuest
    do throws(JobError) {
      prepared = try await GuestPreparation(
        guest: guest, transport: request.transport, rateLimit: request.rateLimit, client: client,
        journal: journal,
        surroundings: surroundings, stop: stop
      ).run()
    } catch {
      journal.remove()
      throw error
    }
    let result = await outcome(of: prepared, id, outputs, configs, files)
    let undone = await prepared.hold.release()
    if case .failure(let error) = result { throw await explained(error, undone, prepared) }
    var report = try result.get()
    report.guest?.stallSeconds = prepared.hold.watch.stallSeconds
    // Callers that look only at the status must learn of it, too.
    if let remainder = prepared.hold.remainder {
      throw JobError(
        .partial, doing: "", "the backup is complete, but cleaning up QEMU is not: \(remainder)",
        hint: "run sluice recover --qmp \(socket)")
    }
    return report
  }

  /// What happened to the guest explains more than the read error that followed from it.
  private func explained(
    _ error: JobError, _ undone: TakeDownOutcome, _ prepared: PreparedGuest
  ) async -> JobError {
    if let failure = await prepared.guardian.failure() { return failure }
    return undone.isQEMUGone && error.status != .interrupted ? prepared.guardian.end : error
  }

  private func outcome(
    of prepared: PreparedGuest, _ id: String, _ outputs: [BackupPlan.Output],
    _ configs: [ConfigFile], _ files: ToldFiles
  ) async -> Result<JobReport, JobError> {
    do throws(JobError) {
      try requireNotStopped()
      let taken = try await prepared.take(guest, surroundings.events)
      try requireNotStopped()
      let source = try await madeReadable(prepared)
      let plan = try BackupPlan(
        id: id, instant: makeTimestamp(seconds: taken.seconds),
        machine: prepared.machineIdentity(
          id: request.vmID.isEmpty ? files.id : request.vmID, request.vmName),
        told: files.told ?? ToldMachine(facts: prepared.machine.description),
        disks: prepared.planned,
        configs: configs + [prepared.description], outputs: outputs, slotCount: Self.slotCount)
      var report =
        switch source {
        case .exports(let disks): try await copy(plan, disks, prepared)
        case .spool(let guest): try await copySpool(plan, prepared, guest)
        }
      report.guest?.instant = plan.instant
      report.guest?.pointInTimeMilliseconds = taken.milliseconds
      return .success(report)
    } catch {
      return .failure(error)
    }
  }

  /// Where the disks of the point in time can be read.
  private enum Readable {
    case exports([GuestDisk])
    /// In the spool, with what it has cost the guest.
    case spool(GuestReport)
  }

  private func madeReadable(_ prepared: PreparedGuest) async throws(JobError) -> Readable {
    guard prepared.choice.way == .spool else {
      let disks = try await GuestExports(
        instant: prepared.hold.instant, choice: prepared.choice, surroundings: surroundings
      ).make()
      try await GuestDisk.settle(disks)
      return .exports(disks)
    }
    try await GuestSpooling(
      prepared: prepared, stallLimit: Double(request.stallLimit), stop: stop,
      events: surroundings.events
    ).run()
    var guest = GuestReport()
    guest.frozenSeconds = prepared.hold.quiesce.seconds
    return .spool(guest)
  }

  private func copySpool(
    _ plan: BackupPlan, _ prepared: PreparedGuest, _ guest: GuestReport
  ) async throws(JobError) -> JobReport {
    surroundings.events(
      .planned(doing: "backup", streams: plan.streams.map(\.name), bytes: plan.byteCount))
    let disks = prepared.hold.instant.disks
    var report = try await blocking(named: "sluice-job") { () throws(JobError) in
      let pool = try BackupRun.pool(plan.shape)
      let source = try SpoolSource(disks, plan, surroundings, pool: pool)
      return try BackupRun(request: request, surroundings: surroundings, stop: stop)
        .run(plan, pool, source)
    }
    report.guest = guest
    return report
  }

  /// Creates the journal, and cleans up leftovers of dead jobs.
  private func enter(
    _ client: QMPClient, _ socket: String, _ id: String
  ) async throws(JobError) -> Journal {
    guard let mark = JobMark(endOf: id) else {
      throw JobError(.software, doing: "", "\(id) is not a job identifier")
    }
    let contents = JournalContents(
      mark: mark, qmp: socket, process: getpid(), started: Double(time(nil)), guestRan: true,
      agent: guest.agentSocket.map(GuestConnection.canonical))
    // Before looking for other jobs: of two that start together, each sees the other.
    let journal = try doing("writing the journal") { () throws(SystemCallError) in
      try Journal.create(contents)
    }
    do throws(JobError) {
      try await GuestRecovery(client: client, socket: socket, events: surroundings.events)
        .clear(own: mark)
    } catch {
      journal.remove()
      throw error
    }
    return journal
  }

  private func copy(
    _ plan: BackupPlan, _ disks: [GuestDisk], _ prepared: PreparedGuest
  ) async throws(JobError) -> JobReport {
    surroundings.events(
      .planned(doing: "backup", streams: plan.streams.map(\.name), bytes: plan.byteCount))
    let link = try doing("starting the backup") { () throws(SystemCallError) in try GuestLink() }
    async let copied = Self.copy(plan, disks, link, request, surroundings, stop)
    await link.readingEnded()
    var guest = GuestReport()
    link.judge(await endOfReading(prepared, &guest))
    var report = try await copied.get()
    guest.frozenSeconds = prepared.hold.quiesce.seconds
    report.guest = guest
    return report
  }

  /// The part of the copying thread; blocks.
  private static func copy(
    _ plan: BackupPlan, _ disks: [GuestDisk], _ link: GuestLink, _ request: BackupRequest,
    _ surroundings: Surroundings, _ stop: StopSignal
  ) async -> Result<JobReport, JobError> {
    do throws(JobError) {
      defer { link.endReading() }
      return .success(
        try await blocking(named: "sluice-job") { () throws(JobError) in
          defer { link.endReading() }
          let pool = try BackupRun.pool(plan.shape)
          let source = GuestSource(disks, plan, link, pool: pool)
          return try BackupRun(request: request, surroundings: surroundings, stop: stop)
            .run(plan, pool, source)
        })
    } catch {
      return .failure(error)
    }
  }

  /// Everything is read: checks that the point in time was intact, then releases QEMU while plugins
  /// still work.
  private func endOfReading(
    _ prepared: PreparedGuest, _ guest: inout GuestReport
  ) async -> Result<Void, JobError> {
    let result: Result<Void, JobError>
    do throws(JobError) {
      // A stopped job publishes nothing, so the check is unnecessary.
      try requireNotStopped()
      try await prepared.guardian.requirePointInTime()
      let bytes = (try? await prepared.hold.instant.fleecedBytes()) ?? []
      for (disk, count) in zip(prepared.hold.instant.disks, bytes) {
        guest.fleecedBytes[disk.name] = UInt64(clamping: count)
      }
      result = .success(())
    } catch {
      result = .failure(error)
    }
    await prepared.hold.release()
    return result
  }

  private func requireNotStopped() throws(JobError) {
    if stop.isRequested { throw JobError(.cancelled) }
  }
}
