internal import BlockSource
internal import JobSupport
internal import QEMUControl
internal import Requests
internal import System

/// How the disks of one machine are read, as far as its QEMU allows that without harm to the guest.
///
/// One way for all disks: a spool is one transaction of all of them, and mixing exported and
/// spooled disks is untested.
struct ExportChoice {
  let way: DataWay
  /// Whether QEMU's one NBD server is used: for data, or to ask where there is data.
  let usesNBD: Bool
  /// Why a spool is used although it was not requested; for people.
  let spoolReason: String?
  /// What is slower than it could be, and why; for people.
  let notes: [String]

  /// How data of exports travels.
  var transport: Transport { way == .nbd ? .nbd : .vhostUser }

  /// What messages call the files that QEMU writes during the backup.
  var imageWord: String { way == .spool ? "spool" : "fleecing image" }

  /// For the plan and the doctor.
  var text: String {
    guard way == .spool else { return "disks are read over \(way.rawValue)" }
    let why = spoolReason.map { ", because \($0)" } ?? ""
    return "QEMU copies the disks to a spool first\(why)"
  }

  /// - Throws: `JobError` of status `.unavailable` where the requested way would harm the guest.
  init(
    _ machine: GuestMachine, _ disks: [GuestBlockDevice], _ wish: BackupRequest.TransportChoice
  ) throws(JobError) {
    let options = DataWay.allCases.map { WayOption($0, machine, disks) }
    way = try Self.way(wish, options)
    // A way that exports is chosen only where no disk is on an I/O thread: NBD is safe there, too.
    usesNBD = machine.features.hasNBDExport && !machine.nbdServerInUse && way != .spool
    let isForced = way == .spool && wish == .auto
    spoolReason =
      isForced
      ? options.filter { $0.way != .spool }.compactMap(\.obstacle).joined(separator: "; ") : nil
    notes = way == .spool ? [] : Self.notes(way, wish, disks, usesNBD, options)
  }

  /// The first of them that can be used.
  private static func way(
    _ wish: BackupRequest.TransportChoice, _ options: [WayOption]
  ) throws(JobError) -> DataWay {
    let asked = options.filter { wish == .auto || $0.way.rawValue == wish.rawValue }
    if let found = asked.first(where: { $0.obstacle == nil }) { return found.way }
    throw JobError(
      .unavailable, asked.compactMap(\.obstacle).joined(separator: "; "),
      hint: wish == .auto ? nil : .automaticTransport)
  }

  private static func notes(
    _ way: DataWay, _ wish: BackupRequest.TransportChoice, _ disks: [GuestBlockDevice],
    _ usesNBD: Bool, _ options: [WayOption]
  ) -> [String] {
    var notes: [String] = []
    if way == .nbd && wish == .auto {
      notes.append("this QEMU has no vhost-user-blk exports; using NBD, which is slower")
    }
    if !usesNBD {
      if let obstacle = options.first(where: { $0.way == .nbd })?.obstacle {
        notes.append(obstacle)
      }
      let names = disks.map(\.name).joined(separator: ", ")
      notes.append("\(names): no allocation map, so holes are read too")
    }
    return notes
  }
}

/// One way, and the obstacle to it.
private struct WayOption {
  let way: DataWay
  /// Why it cannot be used; for people. `nil`: it can.
  let obstacle: String?

  init(_ way: DataWay, _ machine: GuestMachine, _ disks: [GuestBlockDevice]) {
    self.way = way
    obstacle = Self.absence(way, machine) ?? Self.harm(way, machine, disks)
  }

  private static func absence(_ way: DataWay, _ machine: GuestMachine) -> String? {
    switch way {
    case .vhostUser:
      machine.features.hasVhostUserBlkExport ? nil : "this QEMU has no vhost-user-blk exports"
    case .nbd:
      !machine.features.hasNBDExport
        ? "this QEMU has no NBD exports"
        : machine.nbdServerInUse ? "QEMU's NBD server is in use by another program" : nil
    case .spool: nil
    }
  }

  private static func harm(
    _ way: DataWay, _ machine: GuestMachine, _ disks: [GuestBlockDevice]
  ) -> String? {
    let harmed = disks.filter {
      !WaySafety.isSafe(way, hasIOThread: $0.iothread != nil)
    }
    guard !harmed.isEmpty, let row = WaySafety.row(way) else { return nil }
    return
      "\(way.rawValue) is not safe with this QEMU (\(cleaned(machine.version))) for disks on I/O "
      + "threads (\(harmed.map(\.name).joined(separator: ", "))): \(row.harm)"
  }
}
