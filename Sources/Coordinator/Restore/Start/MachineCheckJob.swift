internal import ArchiveJobs
internal import BackupProtocol
internal import JSON
package import JobSupport
internal import MachineStart
internal import Pump
internal import QEMUControl
package import Requests
package import System

/// `sluice restore --check`: compares the machine of an archive with the QEMU at hand; nothing is
/// restored, and of the archive no more is read than its description.
package struct MachineCheckJob: Sendable {
  private let wanted: ArchiveRequest
  private let surroundings: Surroundings
  private let stop: StopSignal

  package init(_ wanted: ArchiveRequest, _ surroundings: Surroundings, stop: StopSignal) {
    self.wanted = wanted
    self.surroundings = surroundings
    self.stop = stop
  }

  /// - Throws: `JobError` with status 69 if the machine needs what this QEMU or host has not, with
  ///   65 if the archive does not describe it.
  package func run() async throws(JobError) {
    let record = try await blocking(named: "sluice-job") { () throws(JobError) in
      try self.record()
    }
    let emulator = try EmulatorAtHand(try Self.emulator(record))
    let abilities = try await emulator.abilities()
    let differences = MachineComparison(record, with: abilities).differences.map(cleaned)
    for difference in differences {
      surroundings.events(.guest(GuestStep("difference", difference)))
    }
    guard differences.isEmpty else {
      let count = differences.count == 1 ? "1 thing" : "\(differences.count) things"
      throw JobError(.unavailable, "the machine needs \(count) that this host lacks")
    }
    surroundings.events(
      .guest(
        GuestStep(
          "same-machine",
          "QEMU \(abilities.version) has this type of machine, processor, memory and devices")))
  }

  private static func emulator(_ record: MachineRecord) throws(JobError) -> String {
    do throws(StartError) { return try record.emulator() } catch {
      throw JobError(.badData, "\(error)")
    }
  }

  /// What the archive's description tells.
  private func record() throws(JobError) -> MachineRecord {
    let archive = try Archive.find(wanted, surroundings, stop: stop)
    let job = ReadJob(archive: archive, surroundings: surroundings, stop: stop)
    let receipts = ReceiptCheck(receipt: archive.receipt)
    // The lane's thread alone touches it.
    var found: MemoryTarget?
    _ = try job.run(
      .read, doing: "check",
      ReadLane.Plan(
        accept: { ack throws(LaneFailure) in try receipts.accept(ack.streams) },
        target: { stream, _ throws(LaneFailure) in
          let size = try stream.knownSize()
          guard size <= UInt64(MachineScripts.bytesMax) else {
            throw .archive(stream: stream.name, "is too large for a description")
          }
          found = MemoryTarget(size: Int(size))
          return found
        },
        choose: { streams in
          Array(
            streams.filter { $0.kind == .config && archive.role(of: $0) == MachineScripts.role }
              .prefix(1))
        },
        check: { stream, digest throws(LaneFailure) in try receipts.check(stream, digest) }))
    guard let bytes = found?.bytes else {
      throw JobError(.badData, "the archive does not describe a machine of QEMU")
    }
    do throws(JSONError) {
      return MachineRecord(facts: try JSONValue(parsingLeniently: bytes, depthMax: 64))
    } catch {
      throw JobError(.badData, "the archive's description of the machine is malformed: \(error)")
    }
  }
}
