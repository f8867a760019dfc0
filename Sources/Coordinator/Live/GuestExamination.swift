internal import BlockSource
internal import QEMUControl

/// `sluice doctor --qmp`: what a backup of a running machine would do, and what it could promise.
///
/// Changes nothing in QEMU.
package struct GuestExamination: Sendable {
  private let socket: String

  package init(socket: String) { self.socket = socket }

  /// - Throws: `JobError` if QEMU cannot be asked.
  package func findings() async throws(JobError) -> [Finding] {
    let path = GuestConnection.canonical(socket)
    let client = try await GuestConnection.open(path)
    defer { client.close() }
    let machine = try await controlling("looking at the machine") { () throws(ControlError) in
      try await GuestMachine.inspect(client)
    }
    return [identity(machine)] + (try await leftovers(client, path)) + jobs(machine)
      + machine.devices.flatMap { device in Self.findings(device) } + transport(machine)
      + stores(machine)
      + machine.warnings.map { .bad($0, remedy: "back it up by other means") }
  }

  private func identity(_ machine: GuestMachine) -> Finding {
    let name = machine.name.isEmpty ? "machine without a name" : "machine \(cleaned(machine.name))"
    let about = "\(name), QEMU \(cleaned(machine.version)), \(cleaned(machine.runState))"
    guard machine.features.canBackUp else {
      return .bad(
        "\(about): it lacks \(machine.features.missing.joined(separator: ", "))",
        remedy: "a QEMU of 7.2 or later", isFatal: true)
    }
    return .good(about)
  }

  private func leftovers(
    _ client: QMPClient, _ path: String
  ) async throws(JobError) -> [Finding] {
    let found = try await controlling("looking for what other jobs left") {
      () throws(ControlError) in try await Recovery.examine(client, qmp: path)
    }
    return found.live.map {
      .bad("job \($0.mark.id) backs this machine up now", remedy: "wait for it")
    }
      + (found.stale.map(\.mark) + found.unknown).map {
        .bad(
          "job \($0.id) has left something in QEMU",
          remedy: "sluice recover --qmp \(socket); a backup does it too")
      }
  }

  private func jobs(_ machine: GuestMachine) -> [Finding] {
    machine.blockJobs.filter { JobMark(markOf: $0.id) == nil }.map {
      .bad(
        "QEMU's job \(cleaned($0.id)) (\(cleaned($0.type))) holds a disk",
        remedy: "wait for its end if a backup is refused")
    }
  }

  private static func findings(_ device: GuestBlockDevice) -> [Finding] {
    if let exclusion = device.exclusion {
      return [.good("\(device.name): left out: \(GuestSelection.text(exclusion))")]
    }
    let bytes = "\(device.size >> 20) MiB, \(cleaned(device.format))"
    let thread = device.iothread.map { ", I/O thread \(cleaned($0))" } ?? ""
    let policy = device.writeErrorPolicy
    let about = "\(device.name): backed up as \(GuestSelection.role(device)), \(bytes)\(thread)"
    let lines = Protection(writeErrorPolicy: policy).warnings(disk: device.name, policy: policy)
    return [.good(about + (lines.isEmpty ? ", protected" : ""))]
      + lines.map { .bad($0, remedy: "else the guest depends on the fleecing store") }
  }

  private func transport(_ machine: GuestMachine) -> [Finding] {
    let disks = machine.devices.filter(\.isBackedUpByDefault)
    do throws(JobError) {
      let choice = try ExportChoice(machine, disks, .auto)
      return [.good("data comes by \(choice.transport.rawValue)")]
        + choice.notes.map { .bad($0, remedy: "it works, only slower") }
    } catch {
      return [.bad(error.message, remedy: error.hint ?? "another QEMU", isFatal: true)]
    }
  }

  private func stores(_ machine: GuestMachine) -> [Finding] {
    let disks = machine.devices.filter(\.isBackedUpByDefault)
    do throws(JobError) {
      let choice = try StoreChoice(disks, GuestRequest(socket: socket))
      let places = Set(choice.wishes.map(\.directory)).sorted().joined(separator: ", ")
      return [.good("fleecing stores grow in \(places)")]
        + choice.warnings.map { .bad($0, remedy: "make room, or --fleecing-dir") }
    } catch {
      return [.bad(error.description, remedy: "--fleecing-dir")]
    }
  }
}
