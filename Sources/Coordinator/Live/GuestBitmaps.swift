internal import BackupProtocol
internal import Glibc
internal import JSON
internal import JobSupport
internal import QEMUControl
internal import Requests
internal import System

/// The dirty bitmaps that earlier backups have left in a machine for those to come.
struct GuestBitmaps: Sendable {
  let inventory: BitmapInventory
  private let monitor: any Monitor
  private let times = BitmapTimes()

  init(_ monitor: any Monitor) async throws(JobError) {
    self.monitor = monitor
    inventory = try await attempt("list the dirty bitmaps") { () async throws(ControlError) in
      try await BitmapInventory.read(monitor)
    }
  }

  /// When a backup was, for people.
  private func began(_ name: BitmapName) -> String {
    times.seconds(of: name).map { makeTimestamp(seconds: $0).text } ?? "age unknown"
  }

  // What the doctor says

  /// One line for each backup, and what they cost.
  ///
  /// - Parameter disks: Names of disks, by their topmost node.
  func findings(_ disks: [String: String], socket: String) -> [Finding] {
    let backups = inventory.backups
    guard !backups.isEmpty else { return [] }
    let bytes = inventory.memoryBytes
    return backups.map { finding($0, disks, socket) }
      + disks.sorted { $0.value < $1.value }.filter { !inventory.crowd(on: $0.key).isEmpty }.map {
        .bad(
          "\($0.value): \(BitmapInventory.oursMax) dirty bitmaps, so the next backup adds none",
          remedy: .removeBitmaps(socket: socket))
      }
      + [.good("dirty bitmaps take \((bytes + 1023) >> 10) KiB of QEMU's memory")]
  }

  private func finding(
    _ backup: BackupBitmaps, _ disks: [String: String], _ socket: String
  ) -> Finding {
    let lines = backup.places.map { place in
      let name = disks[place.node] ?? "node \(cleaned(place.node))"
      return "\(name): \(Self.state(place.bitmap))"
    }
    let about =
      "dirty bitmap of backup \(backup.name.job) (\(began(backup.name))): "
      + lines.joined(separator: "; ")
    let isSound = backup.places.allSatisfy { $0.bitmap.isRecording && !$0.bitmap.isInconsistent }
    return isSound ? .good(about) : .bad(about, remedy: .removeBitmaps(socket: socket))
  }

  private static func state(_ bitmap: NodeBitmap) -> String {
    if bitmap.isInconsistent { return "inconsistent, because QEMU was killed or crashed" }
    if !bitmap.isRecording { return "disabled" }
    let changed = "\((bitmap.dirtyBytes + (1 << 20) - 1) >> 20) MiB changed since"
    return changed + (bitmap.isPersistent ? "" : ", lost when QEMU exits")
  }

  // What is removed

  /// Removes the bitmaps that are chosen.
  ///
  /// - Returns: Whether there were any.
  /// - Throws: `JobError`: no backup or more than one has an ID that begins so; nothing is removed.
  ///   Or QEMU refuses.
  func remove(_ choices: [BitmapChoice], _ events: EventSink) async throws(JobError) -> Bool {
    var chosen: [String: BackupBitmaps] = [:]
    for choice in choices {
      for backup in try backups(choice) { chosen[backup.name.job] = backup }
    }
    for (job, backup) in chosen.sorted(by: { $0.key < $1.key }) {
      try await attempt("remove the dirty bitmap of backup \(job)") {
        () async throws(ControlError) in try await backup.remove(monitor)
      }
      times.forget(backup.name)
      events(
        .guest(
          GuestStep(
            "bitmap-removed", "dirty bitmap of backup \(job) removed",
            ["backup": .string(job), "nodes": JSONValue(backup.places.map(\.node))])))
    }
    return !chosen.isEmpty
  }

  private func backups(_ choice: BitmapChoice) throws(JobError) -> [BackupBitmaps] {
    switch choice {
    case .all: return inventory.backups
    case .olderThan(let age):
      let latest = Double(time(nil)) - Double(age.seconds)
      return inventory.backups.filter { times.seconds(of: $0.name).map { $0 <= latest } ?? false }
    case .backup(let digits):
      let found = inventory.backups.filter { $0.name.job.hasPrefix(digits) }
      guard found.count != 1 else { return found }
      throw JobError(
        .usage,
        found.isEmpty
          ? "no dirty bitmap is of a backup whose ID begins with \(digits)"
          : "more than one backup has an ID that begins with \(digits): "
            + found.map(\.name.job).joined(separator: ", "))
    }
  }
}
