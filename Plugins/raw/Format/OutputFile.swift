import CLinux
import Glibc
import System
package import WriterKit

/// A file of the archive that is being written.
package struct OutputFile: ~Copyable {
  /// Whether it is written past the page cache.
  package enum Direct: String {
    /// If the filesystem can.
    case auto
    case on, off
  }

  /// Bytes: what every filesystem with `O_DIRECT` is content with, in the file and in memory.
  private static let directBytes = 4096

  package let name: String
  private let file: OwnedDescriptor
  private var isDirect = false
  /// O_DIRECT was asked for by name: no way around it.
  private var mustBeDirect = false

  /// Creates it; it must not be there yet.
  package init(creating name: String, in directory: Int32) throws(PluginError) {
    self.name = name
    do {
      file = try openFile(
        name, in: directory, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
    } catch { throw PluginError("creating \(name)", error) }
  }

  /// Writes past the page cache from now on, where that is possible.
  ///
  /// - Returns: Whether it is.
  package mutating func goDirect(_ wish: Direct) throws(PluginError) -> Bool {
    guard wish != .off else { return false }
    let result = clinux_set_direct(file.raw, 1)
    isDirect = result == 0
    mustBeDirect = wish == .on
    if mustBeDirect && !isDirect {
      throw PluginError(
        .unsupported,
        "the target's filesystem does not support O_DIRECT for \(name); "
          + "use direct=auto", errno: -result)
    }
    return isDirect
  }

  /// Sets the length; what has not been written is a hole.
  package func setLength(_ length: UInt64) throws(PluginError) {
    let result = clinux_ftruncate(file.raw, Int64(length))
    if result < 0 { throw PluginError("setting the length of \(name)", errno: -result) }
  }

  /// Writes bytes at a multiple of 4 KiB. If direct, memory must be aligned to 4 KiB too.
  package mutating func write(_ bytes: RawSpan, at offset: UInt64) throws(PluginError) {
    var done = 0
    while done < bytes.byteCount {
      let count = try prepare(bytes.byteCount - done)
      let result = unsafe bytes.withUnsafeBytes { buffer in
        unsafe clinux_pwrite(
          file.raw, buffer.baseAddress! + done, count, Int64(offset) + Int64(done))
      }
      if result > 0 {
        done += result
      } else if result == -Int(EINVAL) && isDirect && !mustBeDirect {
        // Larger blocks than 4 KiB, or a filesystem that says yes and means no.
        try leaveDirect()
      } else {
        throw PluginError("writing \(name)", errno: result < 0 ? Int32(-result) : EIO)
      }
    }
  }

  /// How much of `count` bytes may be written at once; the short tail of a disk is not direct.
  private mutating func prepare(_ count: Int) throws(PluginError) -> Int {
    guard isDirect else { return count }
    let whole = count & ~(Self.directBytes - 1)
    if whole == 0 { try leaveDirect() }
    return whole == 0 ? count : whole
  }

  private mutating func leaveDirect() throws(PluginError) {
    let result = clinux_set_direct(file.raw, 0)
    if result < 0 { throw PluginError("writing the end of \(name)", errno: -result) }
    isDirect = false
  }

  /// Brings everything to stable storage.
  ///
  /// - Returns: Bytes the file takes on the disk.
  package func sync() throws(PluginError) -> UInt64 {
    do {
      try file.sync(subject: name)
      return UInt64(try FileStatus(descriptor: file.raw, subject: name).storedBytes)
    } catch { throw PluginError("syncing \(name)", error) }
  }
}
