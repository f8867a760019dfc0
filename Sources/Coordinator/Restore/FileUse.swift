internal import BlockSource
internal import Glibc
internal import JobSupport
internal import Requests
internal import System

/// Whether a file or block device that is to be overwritten is in use.
enum FileUse {
  /// - Throws: `JobError` if a QEMU has the file or device open for writing, or if the file is
  ///   attached to a loop device.
  static func refuseUsed(_ path: String) throws(JobError) {
    let restoring = "restore to \(path)"
    let file = try attempt(restoring) { () throws(SystemCallError) in
      try openFile(path, flags: O_RDONLY | O_NONBLOCK)
    }
    guard !ImageLock.hasWriter(file.raw) else {
      throw JobError(SourceError.inUse(path: path), cannot: restoring)
    }
    let raw = file.raw
    let status = try attempt(restoring) { () throws(SystemCallError) in
      try FileStatus(descriptor: raw, subject: path)
    }
    guard let loop = LoopDevices.user(of: status) else { return }
    throw JobError(
      .cannotCreate, cannot: restoring, "the file is attached to \(loop)",
      hint: "unmount it, then run losetup -d \(loop)")
  }

  /// - Throws: `JobError` if a new file at `path` would be a plain file among the devices: a device
  ///   whose name was mistyped, and memory that fills up.
  static func refuseAmongDevices(_ path: String) throws(JobError) {
    guard let devices = try? HeldDirectory("/dev"),
      let directory = try? HeldDirectory(splitPath(path).directory),
      directory.identity.device == devices.identity.device,
      (try? directory.isBeneath([devices.identity])) == true
    else { return }
    throw JobError(
      .cannotCreate, cannot: "restore to \(path)", "no such device; files are not created in /dev",
      hint: "check the name of the device")
  }
}
