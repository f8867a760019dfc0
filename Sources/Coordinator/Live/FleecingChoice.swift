internal import JobSupport
internal import QEMUControl
internal import Requests
internal import System

/// Where the fleecing images of a job are placed, and how much free space they need.
struct FleecingChoice {
  /// Free bytes below which a backup is aborted, so that no fleecing image ever runs out of space:
  /// what a fast guest can overwrite between two checks. Where there is less space, half of it.
  static let marginBytes: Int64 = 64 << 20

  let wishes: [FleecingImage.Wish]
  let warnings: [String]

  /// - Parameter isSpool: Complete disks go there, and space for them is allocated before.
  /// - Throws: `JobError` if there is no usable directory.
  init(
    _ disks: [GuestBlockDevice], _ request: GuestRequest, isSpool: Bool
  ) throws(JobError) {
    var wishes: [FleecingImage.Wish] = []
    var wanted: [String: (directory: FleecingDirectory, bytes: Int64)] = [:]
    for disk in disks {
      let directory = try Self.directory(disk, request)
      let usual = isSpool ? 0 : FleecingImage.usualBytes(ofDisk: disk.size)
      let reserve = Int64(clamping: request.fleecingReserve)
      wishes.append(
        isSpool ? Self.spool(disk, directory, reserve) : Self.image(disk, directory, reserve))
      wanted[directory.path, default: (directory, 0)].bytes += max(usual, reserve)
    }
    self.wishes = wishes
    let places = wanted.values.sorted { $0.directory.path < $1.directory.path }
    warnings = Self.strangers(disks, wishes) + Self.shortages(places)
  }

  private static func image(
    _ disk: GuestBlockDevice, _ directory: FleecingDirectory, _ reserve: Int64
  ) -> FleecingImage.Wish {
    FleecingImage.Wish(
      directory: directory, diskBytes: disk.size, wantedBytes: max(reserve, 1 << 20),
      reservation: reserve > 0 ? .required : .none)
  }

  private static func spool(
    _ disk: GuestBlockDevice, _ directory: FleecingDirectory, _ reserve: Int64
  ) -> FleecingImage.Wish {
    FleecingImage.Wish(
      directory: directory, diskBytes: disk.size,
      wantedBytes: max(
        reserve, FleecingImage.spoolBytes(forBytes: disk.contentBytes, ofDisk: disk.size)),
      reservation: .whereFilesystemCan)
  }

  private static func shortages(
    _ wanted: [(directory: FleecingDirectory, bytes: Int64)]
  ) -> [String] {
    wanted.compactMap { directory, bytes in
      guard let free = try? directory.freeBytes(), free < bytes else { return nil }
      return
        "\(directory.path) has \(free >> 20) MiB free for fleecing images, \(bytes >> 20) MiB are "
        + "recommended: the backup is aborted before the space runs out"
    }
  }

  /// A fleecing image that hangs blocks the guest's writes. Beside the disk's image it hangs only
  /// when the disk does; another filesystem is one more that can hang.
  private static func strangers(
    _ disks: [GuestBlockDevice], _ wishes: [FleecingImage.Wish]
  ) -> [String] {
    var names: [String: [String]] = [:]
    for (disk, wish) in zip(disks, wishes) {
      guard let device = try? wish.directory.device else { continue }
      if let file = disk.imageFile, (try? FileStatus(path: file))?.device == device { continue }
      names[wish.directory.path, default: []].append(disk.name)
    }
    return names.sorted { $0.key < $1.key }.map { directory, names in
      "\(directory) is not on the filesystem of \(names.joined(separator: ", ")): "
        + "if it hangs, the guest's writes hang too"
    }
  }

  private static func directory(
    _ disk: GuestBlockDevice, _ request: GuestRequest
  ) throws(JobError) -> FleecingDirectory {
    try attempt("choose a fleecing directory for \(disk.name)") {
      () throws(ControlError) in
      if let directory = request.fleecingDirectory { return try FleecingDirectory(directory) }
      return try FleecingPlace.directory(imageFile: disk.imageFile, state: StateDirectory.usual())
    }
  }
}
