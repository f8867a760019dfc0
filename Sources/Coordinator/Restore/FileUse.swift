internal import BlockSource
internal import CLinux
internal import Glibc
internal import System

/// Who else uses a file or block device that is to be overwritten.
enum FileUse {
  /// QEMU's lock on an image that it writes: byte 100 plus the number of the write permission.
  private static let writerOffset: Int64 = 101

  /// - Throws: `JobError` if a QEMU has the file or device open for writing, or if the file is
  ///   attached to a loop device.
  static func refuseUsed(_ path: String) throws(JobError) {
    let preparing = "preparing \(path)"
    let file = try doing(preparing) { () throws(SystemCallError) in
      try openFile(path, flags: O_RDONLY | O_NONBLOCK)
    }
    guard clinux_is_byte_locked(file.raw, writerOffset) != 1 else {
      throw JobError(SourceError.inUse(path: path), doing: preparing)
    }
    let raw = file.raw
    let status = try doing(preparing) { () throws(SystemCallError) in
      try FileStatus(descriptor: raw, subject: path)
    }
    guard let loop = LoopDevices.user(of: status) else { return }
    throw JobError(
      .cannotCreate, doing: preparing, "it is attached to \(loop)",
      hint: "unmount what is on it, then losetup -d \(loop)")
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
      .cannotCreate, doing: "preparing \(path)", "there is no such device, and /dev holds no files",
      hint: "is the name of the device right?")
  }
}
