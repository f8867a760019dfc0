internal import BackupJobs
internal import BlockSource
package import JobSupport
internal import QEMUControl
internal import Requests
internal import System

/// `sluice doctor --qmp`: checks what a backup of a running machine would do.
///
/// Changes nothing in QEMU.
package struct GuestExamination: Sendable {
  private let socket: String

  package init(socket: String) { self.socket = socket }

  /// - Throws: `JobError` if QEMU cannot be asked.
  package func findings() async throws(JobError) -> [Finding] {
    let path = GuestConnection.canonical(socket)
    let monitor = try await GuestConnection.open(path)
    defer { monitor.close() }
    let machine = try await attempt("inspect the machine") { () async throws(ControlError) in
      try await GuestMachine.inspect(monitor)
    }
    return [identity(machine)] + (try await leftovers(monitor, path)) + jobs(machine)
      + (try await backup(machine)) + [try await ram(monitor, machine)]
      + (try await bitmaps(monitor, machine))
      + machine.warnings.map { Finding.bad($0, remedy: "back it up by other means") }
  }

  private func identity(_ machine: GuestMachine) -> Finding {
    let name = machine.name.isEmpty ? "unnamed machine" : "machine \(cleaned(machine.name))"
    let about = "\(name), QEMU \(cleaned(machine.version)), \(cleaned(machine.runState))"
    guard machine.features.canBackUp else {
      return .bad(
        "\(about): missing \(machine.features.missing.joined(separator: ", "))",
        remedy: "use QEMU 7.2 or later", isFatal: true)
    }
    return .good(about)
  }

  private func leftovers(
    _ monitor: any Monitor, _ path: String
  ) async throws(JobError) -> [Finding] {
    let found = try await attempt("look for leftovers of other jobs") {
      () async throws(ControlError) in try await Recovery.examine(monitor, qmp: path)
    }
    return found.live.map {
      Finding.bad("job \($0.mark.id) is backing up this machine", remedy: "wait until it ends")
    }
      + (found.stale.map(\.mark) + found.unknown).map {
        Finding.bad(
          "job \($0.id) left nodes or jobs in QEMU",
          remedy: .recoverOrBackUp(socket: socket))
      }
  }

  /// What a backup with RAM would do.
  private func ram(
    _ monitor: any Monitor, _ machine: GuestMachine
  ) async throws(JobError) -> Finding {
    do throws(JobError) {
      let choice = try await RAMPreparation.choice(
        monitor, machine, machine.devices.filter(\.isBackedUpByDefault), .auto, nil)
      let text = "RAM, if it is backed up: \(GuestRAM.text(choice))"
      return choice.reason == nil ? .good(text) : .bad(text, remedy: .allowUserfaultfd)
    } catch {
      guard error.status == .unavailable || error.status == .busy else { throw error }
      return .bad(
        "RAM cannot be backed up: \(error.message)",
        remedy: error.remedy ?? "back up the disks without it")
    }
  }

  private func bitmaps(
    _ monitor: any Monitor, _ machine: GuestMachine
  ) async throws(JobError) -> [Finding] {
    var names: [String: String] = [:]
    for device in machine.devices {
      if let node = device.nodeName { names[node] = device.name }
    }
    return try await GuestBitmaps(monitor).findings(names, socket: socket)
  }

  private func jobs(_ machine: GuestMachine) -> [Finding] {
    machine.blockJobs.filter { JobMark(markOf: $0.id) == nil }.map {
      Finding.bad(
        "QEMU job \(cleaned($0.id)) (\(cleaned($0.type))) is using a disk",
        remedy: "if a backup is refused, wait until it ends")
    }
  }

  /// What a backup without further options would do.
  private func backup(_ machine: GuestMachine) async throws(JobError) -> [Finding] {
    let disks = machine.devices.filter(\.isBackedUpByDefault)
    let choice: ExportChoice
    do throws(JobError) { choice = try ExportChoice(machine, disks, .auto) } catch {
      return machine.devices.flatMap { Self.findings($0, "fleecing image") }
        + [
          .bad(error.message, remedy: error.remedy ?? "use another version of QEMU", isFatal: true)
        ]
    }
    return machine.devices.flatMap { Self.findings($0, choice.imageWord) }
      + [.good(choice.text)] + choice.notes.map { Finding.bad($0, remedy: "works, but slower") }
      + (try await images(disks, choice))
  }

  private static func findings(_ device: GuestBlockDevice, _ image: String) -> [Finding] {
    if let exclusion = device.exclusion {
      return [.good("\(device.name): skipped: \(GuestSelection.text(exclusion))")]
    }
    let bytes = "\(device.size >> 20) MiB, \(cleaned(device.format))"
    let thread = device.iothread.map { ", I/O thread \(cleaned($0))" } ?? ""
    let policy = device.writeErrorPolicy
    let about = "\(device.name): backed up as \(GuestSelection.role(device)), \(bytes)\(thread)"
    let lines = Protection(writeErrorPolicy: policy).warnings(
      disk: device.name, policy: policy, image: image)
    return [.good(about + (lines.isEmpty ? ", protected" : ""))]
      + lines.map { Finding.bad($0, remedy: "otherwise the guest depends on the \(image)") }
      + (GuestSelection.encryption(device).map {
        [Finding.bad($0, remedy: "protect the archive like the disk itself")]
      } ?? [])
  }

  private func images(
    _ disks: [GuestBlockDevice], _ way: ExportChoice
  ) async throws(JobError) -> [Finding] {
    do throws(JobError) {
      let choice = try await GuestPreparation.places(
        disks, GuestRequest(socket: socket), isSpool: way.way == .spool)
      let places = Set(choice.wishes.map(\.directory.path)).sorted().joined(separator: ", ")
      if way.way == .spool {
        return Self.spool(choice)
          + choice.warnings.map { Finding.bad($0, remedy: .otherFleecingDirectory) }
      }
      return [.good("fleecing images go to \(places)")]
        + choice.warnings.map { Finding.bad($0, remedy: .freeFleecingSpace) }
    } catch {
      return [.bad(error.description, remedy: .otherFleecingDirectory)]
    }
  }

  /// Whether there is enough free space for a spool.
  private static func spool(_ choice: FleecingChoice) -> [Finding] {
    let places = Dictionary(grouping: choice.wishes, by: \.directory.path)
    return places.sorted { $0.key < $1.key }.map { directory, wishes in
      let bytes = wishes.reduce(0) { $0 + $1.wantedBytes }
      let free = (try? wishes[0].directory.freeBytes()) ?? 0
      let about = "the spool needs \(bytes >> 20) MiB in \(directory) (\(free >> 20) MiB free)"
      return bytes <= free
        ? .good(about) : .bad(about, remedy: .avoidSpool, isFatal: true)
    }
  }
}
