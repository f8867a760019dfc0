internal import BackupJobs
internal import Glibc
internal import JSON
internal import JobSupport
internal import Machine
internal import QEMUControl
package import Requests
internal import System

/// The disks of a running machine as of one point in time.
///
/// connect → journal → leftovers → inspect → watchdog → fleecing images → point in time → exports
/// or spool. Whatever fails after the watchdog's start, QEMU is cleaned up.
package struct GuestSource: JobSource {
  private let guest: GuestRequest

  package init(guest: GuestRequest) { self.guest = guest }

  /// Twice as many reads in flight as for images: QEMU's main loop, which also serves the guest, is
  /// woken less often for the same bytes, and takes a quarter less CPU time for them.
  var slotCount: Int { 32 }

  func open(_ order: JobOrder) async throws(JobError) -> OpenGuest {
    let socket = GuestConnection.canonical(guest.socket)
    let monitor = try await GuestConnection.open(socket)
    do throws(JobError) {
      let prepared = try await prepare(monitor, socket, order.id, order)
      do throws(JobError) {
        return try await read(prepared, order)
      } catch {
        throw await prepared.failed(error)
      }
    } catch {
      // The watchdog has a duplicate, if it still needs one.
      monitor.close()
      throw error
    }
  }

  /// Cleans up leftovers of dead jobs, and inspects the machine.
  private func prepare(
    _ monitor: any Monitor, _ socket: String, _ id: String, _ order: JobOrder
  ) async throws(JobError) -> PreparedGuest {
    // Before looking for other jobs: of two that start together, each sees the other.
    let journal = try journal(socket, id)
    do throws(JobError) {
      try await GuestRecovery(monitor: monitor, socket: socket, events: order.surroundings.events)
        .clear(own: journal.mark)
      return try await GuestPreparation(
        guest: guest, monitor: monitor, journal: journal, order: order
      ).run()
    } catch {
      journal.remove()
      throw error
    }
  }

  private func journal(_ socket: String, _ id: String) throws(JobError) -> Journal {
    guard let mark = JobMark(endOf: id) else {
      throw JobError(.software, "\(id) is not a job identifier")
    }
    let contents = JournalContents(
      mark: mark, qmp: socket, process: getpid(), started: Double(time(nil)), guestRan: true,
      agent: guest.agentSocket.map(GuestConnection.canonical))
    return try attempt("write the journal") { () throws(SystemCallError) in
      try Journal.create(contents)
    }
  }

  /// Takes the point in time and makes it readable.
  private func read(
    _ prepared: PreparedGuest, _ order: JobOrder
  ) async throws(JobError) -> OpenGuest {
    try order.requireNotStopped()
    let taken = try await prepared.take(guest, order.surroundings.events)
    try order.requireNotStopped()
    let data = try await data(prepared, order)
    let contents = SourceContents(
      id: order.id, instant: makeTimestamp(seconds: taken.seconds),
      machine: prepared.identity,
      told: order.files.told ?? ToldMachine(facts: prepared.machine.description),
      disks: prepared.planned,
      configs: order.configs + order.files.configs + [prepared.description])
    return OpenGuest(prepared, contents, taken, data, order)
  }

  private func data(
    _ prepared: PreparedGuest, _ order: JobOrder
  ) async throws(JobError) -> OpenGuest.Data {
    guard prepared.choice.way == .spool else {
      let disks = try await GuestExports(
        instant: prepared.hold.instant, choice: prepared.choice, surroundings: order.surroundings
      ).make()
      try await GuestDisk.awaitConnections(disks)
      let link = try attempt("start the backup") { () throws(SystemCallError) in try GuestLink() }
      return .exports(disks, link)
    }
    try await GuestSpooling(
      prepared: prepared, stallLimit: Double(order.request.stallLimit), stop: order.stop,
      events: order.surroundings.events
    ).run()
    return .spool
  }
}
