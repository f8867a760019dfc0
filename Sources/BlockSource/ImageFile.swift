internal import CLinux
internal import Glibc
internal import System

/// A file of a disk, opened and looked at by this process before QEMU hears of it.
struct ImageFile: ~Copyable {
  /// Absolute, without symbolic links.
  let path: String
  let status: FileStatus
  private let file: OwnedDescriptor

  /// QEMU's lock on an image it may write: byte 100 plus the number of the write permission.
  private static let writerLockOffset: Int64 = 101

  /// - Parameter path: Absolute; its last part is not followed if it is a link.
  init(path: String) throws(SourceError) {
    // Looked at before it is opened: opening a FIFO or a tape has effects.
    let seen = try Self.look({ () throws(SystemCallError) in try FileStatus(path: path) }, at: path)
    guard seen.kind == .regular || seen.kind == .blockDevice else { throw .notAFile(path: path) }
    let file = try Self.open(path)
    let number = file.raw
    let status = try Self.look(
      { () throws(SystemCallError) in try FileStatus(descriptor: number, subject: path) },
      at: path)
    guard status.kind == seen.kind else { throw .notAFile(path: path) }
    self.path = path
    self.status = status
    self.file = file
  }

  private static func look(
    _ body: () throws(SystemCallError) -> FileStatus, at path: String
  ) throws(SourceError) -> FileStatus {
    do { return try body() } catch { throw fault(error, path) }
  }

  private static func open(_ path: String) throws(SourceError) -> OwnedDescriptor {
    do { return try openFile(path, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK) } catch {
      throw fault(error, path)
    }
  }

  var isDevice: Bool { status.kind == .blockDevice }

  /// Bytes of the file or device.
  var byteCount: UInt64 {
    get throws(SourceError) {
      guard isDevice else { return UInt64(status.size) }
      var bytes: UInt64 = 0
      let result = unsafe clinux_block_device_size(file.raw, &bytes)
      let path = path
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

  /// - Throws: `.inUse` if a QEMU has it open for writing.
  func checkUnused() throws(SourceError) {
    if clinux_is_byte_locked(file.raw, Self.writerLockOffset) == 1 { throw .inUse(path: path) }
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
