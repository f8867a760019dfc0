internal import CLinux
internal import Glibc
internal import Requests
internal import Sandbox
internal import System

/// A file of a disk, opened and looked at by this process before QEMU hears of it.
///
/// It stays open: QEMU gets this very file, whatever its name leads to by then.
package final class ImageFile: Sendable {
  /// Where QEMU finds it: absolute; only its last part may be a symbolic link.
  let path: String
  let status: FileStatus
  private let file: OwnedDescriptor

  /// - Parameter followsLink: The caller named this file, and may have named a link to it.
  init(_ place: FilePlace, followsLink: Bool = false) throws(SourceError) {
    let path = place.path
    // Looked at before it is opened for reading: opening a FIFO or a tape has effects.
    let found = try Self.looked(at: path) { () throws(SystemCallError) in
      try openFile(
        place.leaf, in: place.directory.raw, flags: pathOnly | (followsLink ? 0 : O_NOFOLLOW))
    }
    let number = found.raw
    status = try Self.looked(at: path) { () throws(SystemCallError) in
      try FileStatus(descriptor: number, subject: path)
    }
    guard status.kind == .regular || status.kind == .blockDevice else {
      throw .notAFile(path: path)
    }
    file = try Self.looked(at: path) { () throws(SystemCallError) in
      try openFile("/proc/self/fd/\(number)", flags: O_RDONLY | O_NONBLOCK)
    }
    self.path = path
  }

  /// A file that is open already and has no name of its own.
  ///
  /// - Parameter path: Where the program that inherits it finds it.
  init(duplicating descriptor: Int32, path: String) throws(SourceError) {
    file = try lifted { () throws(SystemCallError) in
      OwnedDescriptor(adopting: try check(clinux_duplicate(descriptor), .duplicate, path))
    }
    status = try lifted { () throws(SystemCallError) in
      try FileStatus(descriptor: descriptor, subject: path)
    }
    self.path = path
  }

  private static func looked<Result: ~Copyable>(
    at path: String, _ body: () throws(SystemCallError) -> Result
  ) throws(SourceError) -> Result {
    do { return try body() } catch { throw fault(error, path) }
  }

  var isDevice: Bool { status.kind == .blockDevice }

  var identity: HeldDirectory.Identity { status.identity }

  /// What lets a program of QEMU's open it, by its name.
  var grant: PathRule {
    .file(file.raw, named: path, isDevice ? [.read, .device] : .read)
  }

  /// Where the file itself lies, if its name is a link to it; `nil` where that cannot be told.
  func directoryBehindLink() -> HeldDirectory? {
    guard let place = (try? realPath("/proc/self/fd/\(file.raw)")).map(splitPath),
      let directory = try? HeldDirectory(place.directory),
      let there = try? FileStatus(path: place.name, in: directory.raw),
      there.identity == status.identity
    else { return nil }
    return directory
  }

  /// Bytes of the file or device.
  var byteCount: UInt64 {
    get throws(SourceError) {
      guard isDevice else { return UInt64(status.size) }
      var bytes: UInt64 = 0
      let result = unsafe clinux_block_device_size(file.raw, &bytes)
      _ = try lifted { () throws(SystemCallError) in try check(result, .ioctl, path) }
      return bytes
    }
  }

  /// Up to `count` bytes at `offset`; fewer where the file ends.
  func bytes(at offset: UInt64, count: Int) throws(SourceError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var read = 0
    var failure: SystemCallError?
    unsafe bytes.withUnsafeMutableBytes { buffer in
      do throws(SystemCallError) {
        read = unsafe try file.readAll(into: buffer, at: Int64(offset), subject: path)
      } catch { failure = error }
    }
    if let failure { throw .system(failure) }
    bytes.removeLast(count - read)
    return bytes
  }

  /// What the first and last bytes look like; never `.raw`.
  func apparentFormat() throws(SourceError) -> ImageFormat? {
    let count = ImageFormat.probeBytes
    let size = try byteCount
    let tail = size > UInt64(count) ? size - UInt64(count) : 0
    return ImageFormat(
      head: try bytes(at: 0, count: count), tail: try bytes(at: tail, count: count))
  }

  /// A warning if somebody else may write to it: a device that is mounted or a part of another, a
  /// file that is attached to a loop device.
  func otherUse() -> ImageWarning? {
    if let loop = LoopDevices.user(of: status) { return .mounted(path: path, by: loop) }
    guard isDevice else { return nil }
    do throws(SystemCallError) {
      _ = try openFile("/proc/self/fd/\(file.raw)", flags: O_RDONLY | O_EXCL | O_NONBLOCK)
      return nil
    } catch { return error.code == EBUSY ? .mounted(path: path, by: nil) : nil }
  }

  /// - Throws: `.inUse` if a QEMU has it open for writing.
  func checkUnused() throws(SourceError) {
    if ImageLock.hasWriter(file.raw) { throw .inUse(path: path) }
  }

  /// The kernel's answer about a path, in the module's words.
  static func fault(_ error: SystemCallError, _ path: String) -> SourceError {
    switch error.code {
    case ENOENT, ENOTDIR: .missing(path: path)
    case EACCES, EPERM: .permissionDenied(path: path)
    case ELOOP: .notAFile(path: path)
    default: .system(error)
    }
  }
}
