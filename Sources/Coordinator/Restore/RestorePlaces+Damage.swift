internal import ArchiveJobs
internal import BackupProtocol
internal import CLinux
internal import Glibc
internal import JobSupport
internal import PluginHost
internal import Pump
internal import Requests
internal import System

// What is kept of a damaged archive.
extension RestorePlaces {
  /// A stream has come but for what is damaged.
  func hasCome(_ stream: StreamDescription, _ damage: StreamDamage) throws(LaneFailure) {
    for piece in damage.pieces {
      events(.damaged(stream: stream.name, piece, piece.reason))
    }
    if let reason = damage.somewhere { events(.damaged(stream: stream.name, nil, reason)) }
    damaged.append(stream)
    try keeping { () throws(JobError) in try publishIncomplete(stream) }
  }

  /// A stream has come, and something in it is not what it was.
  func hasCome(_ stream: StreamDescription, damagedSomewhere reason: String) throws(LaneFailure) {
    events(.damaged(stream: stream.name, nil, reason))
    damaged.append(stream)
    try keeping { () throws(JobError) in try publishIncomplete(stream) }
  }

  /// The archive's end could not be checked: nothing is known of what only that could prove.
  func distrustUnproven(_ reason: String) throws(JobError) {
    for stream in unproven {
      events(.damaged(stream: stream.name, nil, "not verified: \(reason)"))
      damaged.append(stream)
      disks[stream.name]?.markIncomplete()
    }
  }

  private func publishIncomplete(_ stream: StreamDescription) throws(JobError) {
    guard let disk = disks[stream.name] else { return }
    disk.markIncomplete()
    try publish(stream.name)
  }

  /// Renames what lies in the directory that is about to be published.
  ///
  /// - Returns: Whether there is any.
  func markIncompleteFiles(in directory: StagingPlace) throws(JobError) -> Bool {
    let files = damaged.filter { disks[$0.name] == nil }
    for stream in files {
      let name = RestoredFile.name(stream)
      let marked = name + IncompleteName.suffix
      _ = try attempt("rename \(name)") { () throws(SystemCallError) in
        try check(
          unsafe clinux_rename(directory.descriptor, name, directory.descriptor, marked), .rename,
          name)
      }
      events(.incomplete(label: stream.name, path: "\(request.directory ?? "")/\(marked)"))
    }
    return !files.isEmpty
  }

  /// - Throws: `JobError` if anything was damaged, although all that can be had was kept.
  func requireUndamaged() throws(JobError) {
    guard !damaged.isEmpty else { return }
    for stream in damaged {
      guard let disk = disks[stream.name], disk.isSpoilt else { continue }
      events(.warning("\(disk.path) contains disk \(stream.name) with damage: do not trust it"))
    }
    let names = damaged.map(\.name).joined(separator: ", ")
    let verb = damaged.count == 1 ? "is" : "are"
    throw JobError(
      .badData,
      "the archive is damaged: \(damaged.count) of \(streams.count) streams \(verb) incomplete "
        + "(\(names)); what could be read was kept")
  }
}
