import CLinux
import Glibc
public import WriterKit

/// The target itself: a file, written past the page cache where it can be, or a pipe.
public final class PlainOutput: ArchiveOutput {
  /// What writev(2) takes at once.
  public static let piecesMax = 1024

  private let descriptor: Int32
  private let isFile: Bool
  private var isDirect = false
  private(set) var writtenBytes: UInt64 = 0

  /// - Parameter output: An empty file, or a pipe.
  public init(_ output: Output) {
    descriptor = output.descriptor
    isFile = output.kind == .file
  }

  /// Writes past the page cache from now on, if the filesystem can and everything is aligned to
  /// 512 bytes; whoever calls it promises the latter.
  ///
  /// - Returns: Whether it does.
  public func goDirect() -> Bool {
    isDirect = isFile && writtenBytes % 512 == 0 && clinux_set_direct(descriptor, 1) == 0
    return isDirect
  }

  /// Adds pieces of memory.
  public func write(_ pieces: MemoryPieces) throws(PluginError) {
    var left = unsafe pieces[...]
    while unsafe !left.isEmpty {
      let count = unsafe min(left.count, Self.piecesMax)
      let group = unsafe UnsafeMutableBufferPointer(rebasing: left.prefix(count))
      let result = unsafe put(group)
      if result > 0 {
        writtenBytes += UInt64(result)
        unsafe Self.drop(result, from: &left)
      } else if result == -Int(EINVAL) && isDirect {
        // Larger blocks than 512 bytes, or a filesystem that says yes and means no.
        try leaveDirect()
      } else {
        throw PluginError("writing the archive", errno: result < 0 ? Int32(-result) : EIO)
      }
    }
  }

  /// Replaces one block of 512 bytes that was written before; only in a file.
  public func patch(_ block: [UInt8], at offset: UInt64) throws(PluginError) {
    precondition(block.count == 512 && offset % 512 == 0, "a patch is one block")
    precondition(isFile && offset + 512 <= writtenBytes, "a patch lies in what was written")
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 512, alignment: 4096)
    defer { unsafe memory.deallocate() }
    unsafe memory.copyBytes(from: block)
    guard let start = memory.baseAddress else { return }
    var result = unsafe clinux_pwrite(descriptor, start, 512, Int64(offset))
    if result == -Int(EINVAL) && isDirect {
      try leaveDirect()
      result = unsafe clinux_pwrite(descriptor, start, 512, Int64(offset))
    }
    guard result == 512 else {
      throw PluginError("writing the archive", errno: result < 0 ? Int32(-result) : EIO)
    }
  }

  /// Brings the file to stable storage.
  public func finish() throws(PluginError) -> UInt64 {
    guard isFile else { return writtenBytes }
    let result = clinux_fsync(descriptor)
    if result < 0 { throw PluginError("completing the archive", errno: -result) }
    return writtenBytes
  }

  /// Empties the file.
  public func abort() {
    if isFile { _ = clinux_ftruncate(descriptor, 0) }
  }

  private func put(_ pieces: UnsafeMutableBufferPointer<iovec>) -> Int {
    guard let start = pieces.baseAddress else { return 0 }
    return isFile
      ? unsafe clinux_pwritev(descriptor, start, Int32(pieces.count), Int64(writtenBytes))
      : unsafe clinux_writev(descriptor, start, Int32(pieces.count))
  }

  /// Takes away what has been written: whole pieces, and the start of the next one.
  private static func drop(
    _ count: Int, from left: inout Slice<UnsafeMutableBufferPointer<iovec>>
  ) {
    var done = count
    while let first = unsafe left.indices.first, unsafe done >= left[first].iov_len {
      unsafe done -= left[first].iov_len
      unsafe left = left.dropFirst()
    }
    guard done > 0, let first = unsafe left.indices.first else { return }
    unsafe left[first].iov_base += done
    unsafe left[first].iov_len -= done
  }

  private func leaveDirect() throws(PluginError) {
    let result = clinux_set_direct(descriptor, 0)
    if result < 0 { throw PluginError("writing the archive", errno: -result) }
    isDirect = false
  }
}
