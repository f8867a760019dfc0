internal import BlockSource
internal import QEMUControl

/// How the disks of one machine are read, as far as its QEMU allows.
struct ExportChoice {
  /// How data travels.
  let transport: Transport
  /// Which disks NBD may serve without harm, in the order of the disks.
  let isNBDSafe: [Bool]
  /// Whether QEMU's one NBD server is used: for data, or to ask where there is data.
  let usesNBD: Bool
  /// What is worse than it could be, and why; for people.
  let notes: [String]

  /// - Throws: `JobError` of status `.unavailable` where the wish would harm the guest.
  init(
    _ machine: GuestMachine, _ disks: [GuestBlockDevice], _ wish: BackupRequest.TransportChoice
  ) throws(JobError) {
    let features = machine.features
    let isFree = features.hasNBDExport && !machine.nbdServerInUse
    isNBDSafe = disks.map { isFree && (features.nbdSafeWithIOThread || $0.iothread == nil) }
    let threaded = disks.filter { $0.iothread != nil }.map(\.name)
    var notes: [String] = []
    if machine.nbdServerInUse { notes.append("QEMU's NBD server is in use by somebody else") }
    if !threaded.isEmpty && !features.nbdSafeWithIOThread {
      notes.append(
        "this QEMU would abort if NBD served a disk on an I/O thread "
          + "(\(threaded.joined(separator: ", ")))")
    }
    transport = try Self.transport(wish, features, isNBDSafe.allSatisfy { $0 }, notes)
    usesNBD = isNBDSafe.contains(true)
    if transport == .nbd && wish == .auto {
      notes.append("this QEMU does not serve vhost-user-blk; NBD is slower")
    }
    let mapless = zip(disks, isNBDSafe).filter { !$1 }.map(\.0.name)
    if !mapless.isEmpty {
      notes.append("all of \(mapless.joined(separator: ", ")) is read, holes too")
    }
    self.notes = notes
  }

  private static func transport(
    _ wish: BackupRequest.TransportChoice, _ features: MachineFeatures, _ isNBDSafe: Bool,
    _ reasons: [String]
  ) throws(JobError) -> Transport {
    if wish != .nbd && features.hasVhostUserBlkExport { return .vhostUser }
    if wish == .vhostUser {
      throw JobError(
        .unavailable, doing: "", "this QEMU does not serve vhost-user-blk",
        hint: "leave --transport to auto")
    }
    guard isNBDSafe else {
      throw JobError(
        .unavailable, doing: "",
        "NBD cannot be used: " + reasons.joined(separator: "; "),
        hint: features.hasVhostUserBlkExport ? "leave --transport to auto" : nil)
    }
    return .nbd
  }
}
